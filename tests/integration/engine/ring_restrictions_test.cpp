#include "dataplane/engine/ring_restrictions.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>

#include "dataplane/engine/engine.hpp"

namespace sluice {
namespace {

/// Closed at the end.
struct File {
  explicit File(int number) : fd(number) {}
  ~File() { (void)::close(fd); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] int get() const { return fd; }
  int fd;
};

/// A ring as the engine makes it, with one registered socket.
class RestrictedRing : public ::testing::Test {
 protected:
  void SetUp() override {
    io_uring_params parameters{};
    parameters.flags = IORING_SETUP_R_DISABLED;
    if (io_uring_queue_init_params(8, &ring_, &parameters) != 0) GTEST_SKIP() << "no io_uring here";
    open_ = true;
    const int file = socket_.get();
    ASSERT_EQ(io_uring_register_files(&ring_, &file, 1), 0);
    ASSERT_TRUE(restrict_ring(ring_)) << "the kernel does not know restrictions";
    enable_ring(ring_);
  }
  void TearDown() override {
    if (open_) io_uring_queue_exit(&ring_);
  }
  /// What the kernel answers to one operation.
  int result_of(const std::function<void(io_uring_sqe*)>& prepare) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    prepare(sqe);
    if (const int submitted = io_uring_submit_and_wait(&ring_, 1); submitted < 0) return submitted;
    io_uring_cqe* cqe = nullptr;
    if (const int status = io_uring_peek_cqe(&ring_, &cqe); status != 0) return status;
    const int result = cqe->res;
    io_uring_cqe_seen(&ring_, cqe);
    return result;
  }

  File socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  File other_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  sockaddr_in discard_ = [] {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_port = htons(9);
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return name;
  }();
  std::array<char, 1> byte_{'x'};
  iovec part_{byte_.data(), byte_.size()};
  msghdr message_ = [this] {
    msghdr message{};
    message.msg_name = &discard_;
    message.msg_namelen = sizeof(discard_);
    message.msg_iov = &part_;
    message.msg_iovlen = 1;
    return message;
  }();
  io_uring ring_{};
  bool open_ = false;
};

TEST_F(RestrictedRing, SendsOnARegisteredSocket) {
  EXPECT_EQ(result_of([this](io_uring_sqe* sqe) {
              io_uring_prep_sendmsg(sqe, 0, &message_, 0);
              sqe->flags = IOSQE_FIXED_FILE;
            }),
            1);
}

TEST_F(RestrictedRing, RefusesADescriptorThatIsNotRegistered) {
  EXPECT_EQ(result_of([this](io_uring_sqe* sqe) { io_uring_prep_sendmsg(sqe, other_.get(), &message_, 0); }), -EACCES);
  EXPECT_EQ(result_of([this](io_uring_sqe* sqe) { io_uring_prep_poll_add(sqe, other_.get(), POLLOUT); }), -EACCES);
}

TEST_F(RestrictedRing, RefusesEveryOtherOperation) {
  const auto fixed = [](io_uring_sqe* sqe) { sqe->flags = IOSQE_FIXED_FILE; };
  const std::array<std::function<void(io_uring_sqe*)>, 8> operations{
      [](io_uring_sqe* sqe) { io_uring_prep_openat(sqe, AT_FDCWD, "/etc/passwd", O_RDONLY, 0); },
      [&](io_uring_sqe* sqe) {
        io_uring_prep_openat(sqe, 0, "/etc/passwd", O_RDONLY, 0);
        fixed(sqe);
      },
      [](io_uring_sqe* sqe) { io_uring_prep_socket(sqe, AF_INET, SOCK_STREAM, 0, 0); },
      [&](io_uring_sqe* sqe) {
        io_uring_prep_connect(sqe, 0, reinterpret_cast<const sockaddr*>(&discard_), sizeof(discard_));
        fixed(sqe);
      },
      [&](io_uring_sqe* sqe) {
        io_uring_prep_accept(sqe, 0, nullptr, nullptr, 0);
        fixed(sqe);
      },
      [&](io_uring_sqe* sqe) {
        io_uring_prep_read(sqe, 0, byte_.data(), 1, 0);
        fixed(sqe);
      },
      [](io_uring_sqe* sqe) { io_uring_prep_unlink(sqe, "/nowhere", 0); },
      [&](io_uring_sqe* sqe) {
        io_uring_prep_close(sqe, 0);
        fixed(sqe);
      }};
  for (std::size_t i = 0; i < operations.size(); ++i) EXPECT_EQ(result_of(operations[i]), -EACCES) << i;
}

TEST_F(RestrictedRing, RegistersNothingMore) {
  const int file = other_.get();
  EXPECT_EQ(io_uring_register_files_update(&ring_, 0, &file, 1), -EACCES);
  EXPECT_EQ(io_uring_unregister_files(&ring_), -EACCES);
  EXPECT_EQ(io_uring_register_buffers(&ring_, &part_, 1), -EACCES);
}

TEST(EngineStart, SaysWhetherTheKernelHoldsIt) {
  EngineConfig config;
  const File socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  config.sockets = {socket.get()};
  const std::unique_ptr<Engine> engine = open_engine(config);
  EXPECT_FALSE(engine->restricted());
  engine->start();
  EXPECT_EQ(engine->restricted(), engine->name() == "io_uring");
  const File late(::eventfd(0, EFD_NONBLOCK));
  if (engine->name() == "io_uring") {
    EXPECT_THROW(engine->add_doorbell(late.get(), 0), EngineUnavailable);
  }
}

}  // namespace
}  // namespace sluice
