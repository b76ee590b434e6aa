#include "control/security/audit/audit_chain.hpp"

#include <openssl/evp.h>
#include <openssl/params.h>

#include <charconv>
#include <new>
#include <utility>

#include "control/json/json_view.hpp"
#include "control/json/json_writer.hpp"

namespace sluice {
namespace {

constexpr std::string_view seq_name = R"(,"seq":)";
constexpr std::string_view chain_name = R"(,"chain":")";
constexpr std::size_t hash_digits = 64;

std::string hex(const unsigned char* bytes, std::size_t size) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  out.reserve(2 * size);
  for (std::size_t i = 0; i < size; ++i) {
    out += digits[bytes[i] >> 4U];
    out += digits[bytes[i] & 15U];
  }
  return out;
}

bool is_hash(std::string_view text) {
  return text.size() == hash_digits && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

/// The key, hashed into its pads once.
struct AuditChain::Context {
  explicit Context(std::string_view key) {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    context = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
    if (context == nullptr ||
        EVP_MAC_init(context, reinterpret_cast<const unsigned char*>(key.data()), key.size(), parameters) != 1) {
      EVP_MAC_CTX_free(context);
      throw std::bad_alloc();
    }
  }
  ~Context() { EVP_MAC_CTX_free(context); }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  EVP_MAC_CTX* context;
};

AuditChain::AuditChain(std::string_view key) {
  if (!key.empty()) context_ = std::make_unique<Context>(key);
}
AuditChain::~AuditChain() = default;
AuditChain::AuditChain(AuditChain&&) noexcept = default;
AuditChain& AuditChain::operator=(AuditChain&&) noexcept = default;

void AuditChain::continue_from(std::uint64_t seq, std::string_view hash) {
  seq_ = seq;
  hash_ = is_hash(hash) ? hash : origin;
}

std::string AuditChain::hash(std::string_view before, std::string_view body) const {
  EVP_MAC_CTX* mac = context_->context;
  (void)EVP_MAC_init(mac, nullptr, 0, nullptr);  // the same key again
  (void)EVP_MAC_update(mac, reinterpret_cast<const unsigned char*>(before.data()), before.size());
  (void)EVP_MAC_update(mac, reinterpret_cast<const unsigned char*>(body.data()), body.size());
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  std::size_t size = 0;
  (void)EVP_MAC_final(mac, digest.data(), &size, digest.size());
  return hex(digest.data(), size);
}

std::string AuditChain::seal(std::string entry) {
  entry.append(seq_name).append(std::to_string(++seq_));
  if (keyed()) {
    hash_ = hash(hash_, entry);
    entry.append(chain_name).append(hash_).append("\"");
  }
  entry += '}';
  return entry;
}

std::optional<SealedLine> read_sealed(std::string_view line) {
  if (!line.starts_with('{') || !line.ends_with('}')) return std::nullopt;
  SealedLine result;
  result.body = line.substr(0, line.size() - 1);
  constexpr std::size_t tail = chain_name.size() + hash_digits + 1;
  if (result.body.ends_with('"') && result.body.size() > tail &&
      result.body.substr(result.body.size() - tail).starts_with(chain_name)) {
    result.hash = result.body.substr(result.body.size() - hash_digits - 1, hash_digits);
    if (!is_hash(result.hash)) return std::nullopt;
    result.body.remove_suffix(tail);
  }
  std::size_t digits = 0;
  while (digits < result.body.size() && result.body[result.body.size() - 1 - digits] >= '0' &&
         result.body[result.body.size() - 1 - digits] <= '9') {
    ++digits;
  }
  const std::string_view number = result.body.substr(result.body.size() - digits);
  if (digits == 0 || !result.body.substr(0, result.body.size() - digits).ends_with(seq_name)) return std::nullopt;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), result.seq);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  return result;
}

std::string AuditCheckpoint::to_json() const {
  return JsonWriter().integer("seq", static_cast<std::int64_t>(seq)).string("chain", hash).finish();
}

std::optional<AuditCheckpoint> AuditCheckpoint::from_json(std::string_view text) {
  const auto view = JsonView::parse(text);
  const auto object = view ? JsonObject::of(*view) : std::nullopt;
  const auto seq = object ? object->find("seq") : std::nullopt;
  const auto chain = object ? object->text("chain") : std::nullopt;
  if (!seq || !seq->as_integer() || *seq->as_integer() < 0 || !chain || !is_hash(*chain)) return std::nullopt;
  return AuditCheckpoint{static_cast<std::uint64_t>(*seq->as_integer()), *chain};
}

}  // namespace sluice
