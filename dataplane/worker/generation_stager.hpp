#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "dataplane/worker/command_reader.hpp"

namespace sluice {

/// What became of one command.
enum class StagingOutcome : std::uint8_t {
  staged,     ///< waits for its Commit
  committed,  ///< the generation took effect; see changes()
  repeated,   ///< a generation that was committed before came again and changed nothing
  ignored,    ///< belongs to a generation that was refused
  refused,    ///< this command spoiled its generation; it waits for a snapshot
};

/// Slots whose wish differs from before the last commit, each once, ascending.
struct GenerationChanges {
  std::vector<std::uint32_t> transports;
  std::vector<std::uint32_t> publications;
  std::vector<std::uint32_t> subscriptions;
  std::vector<std::uint64_t> departures;  ///< packed ids of the transports that left, or whose row is gone
};

/// Collects the commands of a generation and applies them to the desired state as one. A generation that holds one bad
/// command does not take effect at all. An upsert or removal that names an older incarnation than its slot has seen is
/// dropped; in a snapshot the snapshot's own incarnations win. What policy had closed stays closed to an upsert of the same
/// row that is of an older decision (PolicyMark), in a snapshot too.
class GenerationStager {
 public:
  explicit GenerationStager(const TableSizes& sizes);
  /// Begin, Commit, Upsert* and Remove; RequestKeyFrame is not desired state and is refused here.
  StagingOutcome handle(const schema::Command& command);
  /// Begins with what a predecessor had committed.
  void restore(std::uint64_t generation, DesiredState state);
  [[nodiscard]] const DesiredState& committed() const noexcept { return committed_; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  /// After `refused`: the generation that was; after `committed`: what it changed.
  [[nodiscard]] std::uint64_t staging_generation() const noexcept { return staging_; }
  [[nodiscard]] const GenerationChanges& changes() const noexcept { return changes_; }
  /// Upserts and removals dropped because their incarnation was over.
  [[nodiscard]] std::uint64_t stale_count() const noexcept { return stale_count_; }
  /// Upserts of an older decision of policy than the one that holds.
  [[nodiscard]] std::uint64_t stale_policy_count() const noexcept { return stale_policy_count_; }

 private:
  enum class Phase : std::uint8_t {
    idle,      ///< between generations
    staging,   ///< after Begin
    refusing,  ///< after a bad command, until the next Begin
  };
  struct Removal {
    schema::EntityKind kind;
    std::uint64_t id;
  };
  using Operation = std::variant<TransportSpec, PublicationSpec, SubscriptionSpec, DepartureSpec, Removal>;

  StagingOutcome begin(const schema::Begin& begin);
  StagingOutcome commit(const schema::Commit& commit);
  template <typename Spec>
  StagingOutcome stage(Result<Spec, CommandError> spec);
  StagingOutcome refuse();
  StagingOutcome remove(const schema::Remove& remove);
  void apply();
  template <typename Spec>
  void keep_closed(const DesiredRows<Spec>& held, Spec& spec);
  void apply_removal(const Removal& removal);
  template <typename Spec>
  void apply_upsert(DesiredRows<Spec>& rows, std::vector<std::uint32_t>& newest, std::vector<std::uint32_t>& changed,
                    Spec& spec);
  template <typename Spec, typename IdType>
  void apply_removal_in(DesiredRows<Spec>& rows, std::vector<std::uint32_t>& newest, std::vector<std::uint32_t>& changed,
                        IdType id);

  TableSizes sizes_;
  Phase phase_ = Phase::idle;
  std::uint64_t generation_ = 0;
  std::uint64_t staging_ = 0;
  bool snapshot_ = false;
  std::vector<Operation> operations_;
  DesiredState committed_;
  GenerationChanges changes_;
  // The newest incarnation that each slot has seen, also of rows that are gone.
  std::vector<std::uint32_t> newest_transports_, newest_publications_, newest_subscriptions_;
  std::uint64_t stale_count_ = 0;
  std::uint64_t stale_policy_count_ = 0;
};

}  // namespace sluice
