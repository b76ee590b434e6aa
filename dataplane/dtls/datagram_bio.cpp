#include "dataplane/dtls/datagram_bio.hpp"

#include <openssl/opensslv.h>
#include <sys/time.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

#include "dataplane/dtls/dtls_limits.hpp"

namespace sluice {
namespace {
constexpr timeval never_comes{.tv_sec = 4'000'000'000, .tv_usec = 0};  // in the year 2096
constexpr timeval long_past{.tv_sec = 1, .tv_usec = 0};
static_assert(OPENSSL_VERSION_MAJOR == 3 && OPENSSL_VERSION_MINOR < 2, "the timer adapter below needs OpenSSL 3.0 or 3.1");
}  // namespace

struct DatagramBio::Calls {
  static DatagramBio& self(BIO* bio) { return *static_cast<DatagramBio*>(BIO_get_data(bio)); }

  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    std::optional<Bytes>& input = self(bio).input_;
    if (!input) {
      BIO_set_retry_read(bio);
      return -1;
    }
    // Like a UDP socket: what does not fit is cut off.
    const std::size_t count = std::min(input->size(), static_cast<std::size_t>(std::max(size, 0)));
    std::memcpy(out, input->data(), count);
    input.reset();
    return static_cast<int>(count);
  }

  static int write(BIO* bio, const char* data, int size) {
    BIO_clear_retry_flags(bio);
    if (size <= 0) return 0;
    auto& sent = self(bio).sent_;
    const auto* bytes = reinterpret_cast<const std::byte*>(data);
    if (sent.size() < sent_max) sent.emplace_back(bytes, bytes + size);
    return size;
  }

  static long control(BIO* bio, int command, long, void* argument) {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_DGRAM_QUERY_MTU:
      case BIO_CTRL_DGRAM_GET_FALLBACK_MTU:
        return static_cast<long>(DtlsLimits::datagram_bytes_max);
      case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: {
        DatagramBio& here = self(bio);
        auto& timeout = *static_cast<timeval*>(argument);
        const bool stopped = timeout.tv_sec == 0 && timeout.tv_usec == 0;
        here.openssl_timeout_ = &timeout;
        here.deadline_ = stopped ? never : here.now_ + here.duration_;
        if (!stopped) timeout = never_comes;
        return 1;
      }
      default:
        return 0;
    }
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "datagrams");
      if (method == nullptr) throw std::bad_alloc();
      BIO_meth_set_read(method, &read);
      BIO_meth_set_write(method, &write);
      BIO_meth_set_ctrl(method, &control);
      BIO_meth_set_create(method, &create);
      return method;
    }();
    return made;
  }
};

DatagramBio::DatagramBio() : bio_(BIO_new(Calls::method())) {
  if (bio_ == nullptr) throw std::bad_alloc();
  BIO_set_data(bio_.get(), this);
}

BIO* DatagramBio::reference() {
  BIO_up_ref(bio_.get());
  return bio_.get();
}

void DatagramBio::expire() noexcept {
  if (openssl_timeout_ != nullptr) *static_cast<timeval*>(openssl_timeout_) = long_past;
}

void DatagramBio::stop_timer() noexcept {
  openssl_timeout_ = nullptr;
  deadline_ = never;
}

}  // namespace sluice
