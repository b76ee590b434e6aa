#include "control/rooms/admission.hpp"

#include <utility>

namespace sluice {

struct AdmissionReply::Shared {
  Function answer;
  TimePoint asked;

  Shared(Function function, TimePoint time) : answer(std::move(function)), asked(time) {}
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    if (answer) answer(AdmissionFailure{"the admission step gave no answer"}, asked);
  }
};

AdmissionReply::AdmissionReply(Function answer, TimePoint asked)
    : shared_(std::make_shared<Shared>(std::move(answer), asked)) {}

void AdmissionReply::operator()(AdmissionDecision decision, TimePoint now) const {
  if (auto answer = std::exchange(shared_->answer, nullptr)) answer(std::move(decision), now);
}

}  // namespace sluice
