#include "control/http_client/http_client.hpp"

#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <stdexcept>
#include <utility>
#include <vector>

#include "control/http_client/run_time_url.hpp"
#include "control/loop/clock.hpp"
#include "control/loop/event_loop.hpp"

namespace sluice {
namespace {

constexpr std::size_t header_bytes_max = 32 * 1024;

void initialise_library() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (result != CURLE_OK) throw std::runtime_error("libcurl cannot be initialised.");
}

SocketAddress address_of(const curl_sockaddr& target) {
  SocketAddress address;
  if (target.family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &target.addr, sizeof in);
    std::array<std::uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return SocketAddress::from_ipv4(bytes, ntohs(in.sin_port));
  }
  if (target.family == AF_INET6) {
    sockaddr_in6 in{};
    // curl_sockaddr ends in a plain sockaddr that stands for the longer one.
    std::memcpy(&in, &target.addr, std::min<std::size_t>(sizeof in, target.addrlen));
    std::memcpy(address.ip.data(), &in.sin6_addr, address.ip.size());
    address.port = ntohs(in.sin6_port);
  }
  return address;  // any other family: the unspecified address, which is not global
}

bool valid_header(const std::pair<std::string, std::string>& header) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  return !header.first.empty() && header.first.find_first_of(": \t") == std::string::npos &&
         std::none_of(header.first.begin(), header.first.end(), control) &&
         std::none_of(header.second.begin(), header.second.end(), control);
}

}  // namespace

struct HttpClient::Impl {
  struct Transfer {
    HttpCall call;
    HttpDone done;
    TimePoint deadline;
    TimePoint since;
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    std::string body;
    std::size_t header_bytes = 0;
    bool too_large = false;
    bool address_refused = false;

    Transfer(HttpCall request, HttpDone answer, TimePoint now)
        : call(std::move(request)), done(std::move(answer)), deadline(now + call.time_limit), since(now) {}
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() {
      if (easy != nullptr) curl_easy_cleanup(easy);
      curl_slist_free_all(headers);
    }
  };
  struct Ending {
    HttpDone done;
    HttpOutcome outcome;
  };

  Impl(loop::EventLoop& event_loop, HttpClientLimits the_limits);
  ~Impl();
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void call(HttpCall request, HttpDone done);
  void start_waiting(TimePoint now);
  bool start(Transfer& transfer, TimePoint now);
  void prepare(Transfer& transfer);
  void count_failure(HttpFailure::Kind kind);
  void count(const HttpOutcome& outcome, TimePoint since);
  void fail(HttpDone done, HttpFailure::Kind kind, std::string message);
  void on_sockets();
  void on_timer();
  void collect();
  void tell();
  void arm();
  static HttpOutcome outcome_of(Transfer& transfer, CURLcode code);

  static int socket_changed(CURL*, curl_socket_t socket, int what, void* self, void* known);
  static int timer_changed(CURLM*, long milliseconds, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* transfer);
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* transfer);
  static curl_socket_t open_socket(void* transfer, curlsocktype, curl_sockaddr* target);

  HttpClientLimits limits;
  HttpClientStatistics statistics;
  CURLM* multi = nullptr;
  curl_slist* names = nullptr;  // limits.resolve
  int epoll = -1;
  TimePoint curl_deadline = never;
  std::map<CURL*, std::unique_ptr<Transfer>> active;
  std::deque<std::unique_ptr<Transfer>> waiting;
  std::vector<Ending> endings;  // told from the loop, so that nobody is called back from inside call()
  std::unique_ptr<loop::EventLoop::Watch> sockets;
  std::unique_ptr<loop::EventLoop::Timer> timer;
};

HttpClient::Impl::Impl(loop::EventLoop& event_loop, HttpClientLimits the_limits) : limits(std::move(the_limits)) {
  initialise_library();
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  multi = curl_multi_init();
  if (epoll < 0 || multi == nullptr) throw std::runtime_error("The HTTP client cannot be made: no descriptor or memory.");
  for (const std::string& name : limits.resolve) names = curl_slist_append(names, name.c_str());
  curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Impl::socket_changed);
  curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Impl::timer_changed);
  curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
  // All of libcurl's sockets lie in one epoll, which is one descriptor to the loop.
  sockets = event_loop.readable(epoll, [this] { on_sockets(); });
  timer = event_loop.timer([this] { on_timer(); });
}

HttpClient::Impl::~Impl() {
  sockets.reset();
  for (auto& [easy, transfer] : active) curl_multi_remove_handle(multi, easy);
  active.clear();
  curl_multi_cleanup(multi);
  curl_slist_free_all(names);
  ::close(epoll);
}

void HttpClient::Impl::call(HttpCall request, HttpDone done) {
  ++statistics.calls;
  const TimePoint now = loop::now();
  if (!std::all_of(request.headers.begin(), request.headers.end(), valid_header)) {
    return fail(std::move(done), HttpFailure::Kind::bad_request, "a header is malformed");
  }
  if (request.origin == UrlOrigin::run_time) {
    if (const auto url = RunTimeUrl::parse(request.url); !url) {
      const auto kind =
          url.error() == UrlError::local_address ? HttpFailure::Kind::address_refused : HttpFailure::Kind::bad_request;
      return fail(std::move(done), kind, std::string(to_string(url.error())));
    }
  }
  if (active.size() >= limits.concurrent_max && waiting.size() >= limits.waiting_max) {
    ++statistics.refused;
    return fail(std::move(done), HttpFailure::Kind::queue_full, "too many HTTP calls wait already");
  }
  waiting.push_back(std::make_unique<Transfer>(std::move(request), std::move(done), now));
  start_waiting(now);
  arm();
}

void HttpClient::Impl::count_failure(HttpFailure::Kind kind) {
  ++statistics.failed;
  ++statistics.failures[static_cast<std::size_t>(kind)];
}

void HttpClient::Impl::count(const HttpOutcome& outcome, TimePoint since) {
  if (!outcome) return count_failure(outcome.error().kind);
  ++statistics.answered;
  const auto digit = static_cast<std::size_t>(std::max(outcome->status, 0) / 100);
  ++statistics.answers[digit < statistics.answers.size() ? digit : 0];
  statistics.answer_time += loop::now() - since;
}

void HttpClient::Impl::fail(HttpDone done, HttpFailure::Kind kind, std::string message) {
  count_failure(kind);
  endings.push_back({std::move(done), unexpected(HttpFailure{kind, std::move(message)})});
  arm();
}

void HttpClient::Impl::start_waiting(TimePoint now) {
  std::erase_if(waiting, [&](std::unique_ptr<Transfer>& transfer) {
    if (transfer->deadline > now) return false;
    count_failure(HttpFailure::Kind::timed_out);
    endings.push_back({std::move(transfer->done), unexpected(HttpFailure{HttpFailure::Kind::timed_out, "no turn in time"})});
    return true;
  });
  while (!waiting.empty() && active.size() < limits.concurrent_max) {
    std::unique_ptr<Transfer> transfer = std::move(waiting.front());
    waiting.pop_front();
    if (!start(*transfer, now)) {
      fail(std::move(transfer->done), HttpFailure::Kind::bad_request, "the URL cannot be used");
      continue;
    }
    CURL* easy = transfer->easy;
    active.emplace(easy, std::move(transfer));
  }
}

bool HttpClient::Impl::start(Transfer& transfer, TimePoint now) {
  transfer.easy = curl_easy_init();
  if (transfer.easy == nullptr) return false;
  CURL* easy = transfer.easy;
  if (curl_easy_setopt(easy, CURLOPT_URL, transfer.call.url.c_str()) != CURLE_OK) return false;
  prepare(transfer);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(transfer.deadline - now).count();
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<std::int64_t>(left, 1)));
  return curl_multi_add_handle(multi, easy) == CURLM_OK;
}

void HttpClient::Impl::prepare(Transfer& transfer) {
  CURL* easy = transfer.easy;
  const bool run_time = transfer.call.origin == UrlOrigin::run_time;
  curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, run_time ? "https" : "http,https");
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  // No proxy of the environment: it would connect for us, to whatever it likes.
  curl_easy_setopt(easy, CURLOPT_PROXY, "");
  curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // A name that is still being resolved when its call is over is left to its thread instead of being waited for.
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &Impl::open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Impl::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Impl::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
  if (names != nullptr) curl_easy_setopt(easy, CURLOPT_RESOLVE, names);
  if (!limits.ca_file.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, limits.ca_file.c_str());
  if (run_time) {
    // A kept connection might lead to an address that was allowed to somebody else.
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  }
  curl_easy_setopt(easy, CURLOPT_USERAGENT, "sluice/" SLUICE_VERSION);
  for (const auto& [name, value] : transfer.call.headers) {
    // An empty value is written with a semicolon, else libcurl takes it for the wish to leave the header out.
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    transfer.headers = curl_slist_append(transfer.headers, line.c_str());
  }
  transfer.headers = curl_slist_append(transfer.headers, "Expect:");
  if (transfer.call.method == HttpCall::Method::post) {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(transfer.call.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, transfer.call.body.data());
  }
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
}

// --- libcurl's callbacks
// ------------------------------------------------------------------------------------------------------------------

int HttpClient::Impl::socket_changed(CURL*, curl_socket_t socket, int what, void* self, void* known) {
  auto& impl = *static_cast<Impl*>(self);
  if (what == CURL_POLL_REMOVE) {
    ::epoll_ctl(impl.epoll, EPOLL_CTL_DEL, socket, nullptr);
    curl_multi_assign(impl.multi, socket, nullptr);
    return 0;
  }
  epoll_event event{};
  event.events = ((what & CURL_POLL_IN) != 0 ? std::uint32_t{EPOLLIN} : 0U) |
                 ((what & CURL_POLL_OUT) != 0 ? std::uint32_t{EPOLLOUT} : 0U);
  event.data.fd = socket;
  if (::epoll_ctl(impl.epoll, known == nullptr ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket, &event) != 0 && errno == EEXIST) {
    ::epoll_ctl(impl.epoll, EPOLL_CTL_MOD, socket, &event);
  }
  curl_multi_assign(impl.multi, socket, self);  // anything but null: it lies in the epoll
  return 0;
}

int HttpClient::Impl::timer_changed(CURLM*, long milliseconds, void* self) {
  auto& impl = *static_cast<Impl*>(self);
  impl.curl_deadline = milliseconds < 0 ? never : loop::now() + std::chrono::milliseconds(milliseconds);
  impl.arm();
  return 0;
}

std::size_t HttpClient::Impl::on_body(char* data, std::size_t size, std::size_t count, void* transfer) {
  auto& self = *static_cast<Transfer*>(transfer);
  const std::size_t bytes = size * count;
  if (bytes > self.call.response_bytes_max - self.body.size()) {
    self.too_large = true;
    return 0;  // ends the transfer
  }
  self.body.append(data, bytes);
  return bytes;
}

std::size_t HttpClient::Impl::on_header(char*, std::size_t size, std::size_t count, void* transfer) {
  auto& self = *static_cast<Transfer*>(transfer);
  self.header_bytes += size * count;
  if (self.header_bytes <= header_bytes_max) return size * count;
  self.too_large = true;
  return 0;
}

curl_socket_t HttpClient::Impl::open_socket(void* transfer, curlsocktype, curl_sockaddr* target) {
  auto& self = *static_cast<Transfer*>(transfer);
  // The very address that connect() gets: no name can change its mind after it was checked.
  if (self.call.origin == UrlOrigin::run_time && !is_global_address(address_of(*target))) {
    self.address_refused = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(target->family, target->socktype | SOCK_CLOEXEC, target->protocol);
}

// --- the loop's
// ---------------------------------------------------------------------------------------------------------------------------

void HttpClient::Impl::on_sockets() {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 0);
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    int bits = 0;
    if ((event.events & EPOLLIN) != 0) bits |= CURL_CSELECT_IN;
    if ((event.events & EPOLLOUT) != 0) bits |= CURL_CSELECT_OUT;
    if ((event.events & (EPOLLERR | EPOLLHUP)) != 0) bits |= CURL_CSELECT_ERR;
    int running = 0;
    curl_multi_socket_action(multi, event.data.fd, bits, &running);
  }
  collect();
}

void HttpClient::Impl::on_timer() {
  if (curl_deadline <= loop::now()) {
    curl_deadline = never;
    int running = 0;
    curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  collect();
}

void HttpClient::Impl::collect() {
  int left = 0;
  while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    const CURLcode code = message->data.result;
    const auto found = active.find(message->easy_handle);
    if (found == active.end()) continue;
    const std::unique_ptr<Transfer> transfer = std::move(found->second);
    active.erase(found);
    curl_multi_remove_handle(multi, transfer->easy);
    HttpOutcome outcome = outcome_of(*transfer, code);
    count(outcome, transfer->since);
    endings.push_back({std::move(transfer->done), std::move(outcome)});
  }
  start_waiting(loop::now());
  tell();
  arm();
}

void HttpClient::Impl::tell() {
  // What is called back may call again; that is told in the next turn.
  for (const Ending& ending : std::exchange(endings, {})) ending.done(ending.outcome);
}

HttpOutcome HttpClient::Impl::outcome_of(Transfer& transfer, CURLcode code) {
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
    return HttpResult{static_cast<int>(status), std::move(transfer.body)};
  }
  const auto failure = [](HttpFailure::Kind kind, std::string message) {
    return unexpected(HttpFailure{kind, std::move(message)});
  };
  if (transfer.too_large) return failure(HttpFailure::Kind::response_too_large, "the answer is too large");
  if (code == CURLE_OPERATION_TIMEDOUT) return failure(HttpFailure::Kind::timed_out, "no answer in time");
  if (transfer.address_refused) {
    return failure(HttpFailure::Kind::address_refused, "the URL leads to an address that is not public");
  }
  const bool unusable = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
  return failure(unusable ? HttpFailure::Kind::bad_request : HttpFailure::Kind::unreachable, curl_easy_strerror(code));
}

void HttpClient::Impl::arm() {
  if (timer == nullptr) return;
  if (!endings.empty()) return timer->arm(loop::now());
  TimePoint next = curl_deadline;
  for (const auto& transfer : waiting) next = std::min(next, transfer->deadline);
  timer->arm(next);
}

HttpClient::HttpClient(loop::EventLoop& loop, HttpClientLimits limits)
    : impl_(std::make_unique<Impl>(loop, std::move(limits))) {}
HttpClient::~HttpClient() = default;
void HttpClient::call(HttpCall call, HttpDone done) {
  impl_->call(std::move(call), std::move(done));
}
const HttpClientStatistics& HttpClient::statistics() const noexcept {
  return impl_->statistics;
}
std::size_t HttpClient::waiting() const noexcept {
  return impl_->waiting.size();
}
std::size_t HttpClient::pending() const noexcept {
  return impl_->active.size() + impl_->waiting.size();
}

}  // namespace sluice
