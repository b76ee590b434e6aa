#include "shm/region/region.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <utility>

namespace sluice {
namespace {

TEST(Region, is_zeroed_and_of_the_size_asked_for) {
  auto region = Region::create("test", 10'000);
  ASSERT_TRUE(region);
  ASSERT_EQ(region->bytes().size(), 10'000U);
  for (const std::byte b : region->bytes()) ASSERT_EQ(b, std::byte{0});
}

TEST(Region, cannot_be_resized_or_sealed_further_by_a_holder_of_the_descriptor) {
  const auto region = Region::create("test", 8192);
  ASSERT_TRUE(region);
  EXPECT_NE(ftruncate(region->fd(), 4096), 0);
  EXPECT_NE(ftruncate(region->fd(), 16384), 0);
  EXPECT_NE(fcntl(region->fd(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE), 0);
}

TEST(Region, shows_the_same_bytes_through_every_mapping) {
  auto one = Region::create("test", 4096);
  ASSERT_TRUE(one);
  auto other = Region::map(one->fd(), Access::read_only);
  ASSERT_TRUE(other);
  one->bytes()[77] = std::byte{5};
  EXPECT_EQ(std::as_const(*other).bytes()[77], std::byte{5});
  EXPECT_EQ(other->access(), Access::read_only);
}

TEST(Region, outlives_the_descriptor_and_the_creator) {
  auto one = Region::create("test", 4096);
  ASSERT_TRUE(one);
  one->bytes()[0] = std::byte{9};
  auto other = Region::map(one->fd(), Access::read_write);
  ASSERT_TRUE(other);
  *one = Region();
  Region moved = std::move(*other);
  EXPECT_EQ(moved.bytes()[0], std::byte{9});
}

TEST(Region, refuses_what_could_shrink_under_it) {
  const Descriptor loose(memfd_create("loose", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  ASSERT_EQ(ftruncate(loose.get(), 4096), 0);
  const auto refused = Region::map(loose.get(), Access::read_write);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().fault, RegionFault::not_sealed);
  EXPECT_NE(refused.error().to_string().find("not sealed"), std::string::npos);
}

TEST(Region, refuses_what_is_no_memfd) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Descriptor read_end(ends[0]);
  const Descriptor write_end(ends[1]);
  EXPECT_FALSE(Region::map(read_end.get(), Access::read_write));
  EXPECT_FALSE(Region::map(-1, Access::read_write));
}

TEST(Region, becomes_zero_again_when_cleared) {
  auto region = Region::create("test", 8192);
  ASSERT_TRUE(region);
  region->bytes()[5000] = std::byte{1};
  ASSERT_TRUE(region->clear());
  EXPECT_EQ(region->bytes()[5000], std::byte{0});
}

TEST(Region, can_be_guarded_like_a_region_of_keys) {
  auto region = Region::create("test", 8192);
  ASSERT_TRUE(region);
  (void)region->guard_secrets();  // locking depends on RLIMIT_MEMLOCK
  region->bytes()[0] = std::byte{1};
}

}  // namespace
}  // namespace sluice
