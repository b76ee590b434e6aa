#include "shm/descriptors/descriptor_set.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <string>
#include <vector>

namespace sluice {
namespace {

Descriptor memory_file(const std::string& content) {
  Descriptor file(::memfd_create("descriptor-test", MFD_CLOEXEC));
  EXPECT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
  return file;
}

std::string content_of(int fd) {
  std::array<char, 64> buffer{};
  const ssize_t size = ::pread(fd, buffer.data(), buffer.size(), 0);
  return size < 0 ? "" : std::string(buffer.data(), static_cast<std::size_t>(size));
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(DescriptorSet, ArrivesUnderItsNamesAndRefersToTheSameFiles) {
  auto sockets = make_descriptor_sockets();
  ASSERT_TRUE(sockets);
  const Descriptor first = memory_file("one");
  const Descriptor second = memory_file("two");
  const std::vector<NamedDescriptor> sent{{"shared.0", first.get()}, {"recovery.0", second.get()}};
  ASSERT_TRUE(send_descriptors(sockets->parent.get(), sent));

  auto received = receive_descriptors(sockets->child.get());
  ASSERT_TRUE(received);
  EXPECT_EQ(received->size(), 2U);
  EXPECT_EQ(content_of(received->find("shared.0")), "one");
  EXPECT_EQ(content_of(received->find("recovery.0")), "two");
  EXPECT_EQ(received->find("recovery.1"), -1);
  EXPECT_NE(::fcntl(received->find("shared.0"), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(DescriptorSet, IsClosedWithTheSetUnlessTaken) {
  DescriptorSet set;
  const int kept = memory_file("x").release();
  const int lost = memory_file("y").release();
  Descriptor taken;
  {
    DescriptorSet scope;
    ASSERT_TRUE(scope.add("kept", Descriptor(kept)));
    ASSERT_TRUE(scope.add("lost", Descriptor(lost)));
    taken = scope.take("kept");
    EXPECT_FALSE(scope.take("kept").valid());
  }
  EXPECT_TRUE(is_open(kept));
  EXPECT_FALSE(is_open(lost));
}

TEST(DescriptorSet, NeedsSeveralMessagesForHundredsAndAnEmptySetNeedsOne) {
  auto sockets = make_descriptor_sockets();
  ASSERT_TRUE(sockets);
  const Descriptor file = memory_file("many");
  std::vector<NamedDescriptor> sent;
  for (int i = 0; i < 300; ++i) sent.push_back({"d." + std::to_string(i), file.get()});
  ASSERT_TRUE(send_descriptors(sockets->parent.get(), sent));
  ASSERT_TRUE(send_descriptors(sockets->parent.get(), {}));
  auto many = receive_descriptors(sockets->child.get());
  ASSERT_TRUE(many);
  EXPECT_EQ(many->size(), 300U);
  EXPECT_EQ(content_of(many->find("d.299")), "many");
  auto none = receive_descriptors(sockets->child.get());
  ASSERT_TRUE(none);
  EXPECT_EQ(none->size(), 0U);
}

TEST(DescriptorSet, SaysWhenTheOtherSideClosed) {
  auto sockets = make_descriptor_sockets();
  ASSERT_TRUE(sockets);
  sockets->parent.reset();
  const auto received = receive_descriptors(sockets->child.get());
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error(), DescriptorError::closed);
}

TEST(DescriptorSet, RefusesMessagesThatDoNotMatchTheirDescriptors) {
  // Every truncation of a message that announces one descriptor and carries none, and one with a tail.
  const std::array<char, 7> message{1, 0, 1, 2, 'a', 'b', 'c'};
  for (std::size_t size = 1; size <= message.size(); ++size) {
    auto sockets = make_descriptor_sockets();
    ASSERT_TRUE(sockets);
    ASSERT_EQ(::send(sockets->parent.get(), message.data(), size, 0), static_cast<ssize_t>(size));
    const auto received = receive_descriptors(sockets->child.get());
    ASSERT_FALSE(received) << size;
    EXPECT_EQ(received.error(), DescriptorError::malformed);
  }
}

TEST(DescriptorSet, RefusesANameTwice) {
  auto sockets = make_descriptor_sockets();
  ASSERT_TRUE(sockets);
  const Descriptor file = memory_file("x");
  const std::vector<NamedDescriptor> sent{{"same", file.get()}, {"same", file.get()}};
  ASSERT_TRUE(send_descriptors(sockets->parent.get(), sent));
  const auto received = receive_descriptors(sockets->child.get());
  ASSERT_FALSE(received);
  EXPECT_EQ(received.error(), DescriptorError::malformed);
}

TEST(DescriptorSet, RefusesNamesOutsideTheLimit) {
  auto sockets = make_descriptor_sockets();
  ASSERT_TRUE(sockets);
  const std::vector<NamedDescriptor> long_name{{std::string(descriptor_name_max + 1, 'n'), 0}};
  EXPECT_EQ(send_descriptors(sockets->parent.get(), long_name).error(), DescriptorError::too_many);
  const std::vector<NamedDescriptor> no_name{{"", 0}};
  EXPECT_EQ(send_descriptors(sockets->parent.get(), no_name).error(), DescriptorError::too_many);
}

}  // namespace
}  // namespace sluice
