#include "control/rooms/metadata.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

TEST(Metadata, keeps_order_and_bytes) {
  Metadata map{{"b", "1.50"}, {"a", R"({"x": 1})"}};
  map.set("c", "\"\\u0041\"");
  map.set("b", "2");
  EXPECT_EQ(map.entries(), (std::vector<Metadata::Entry>{{"b", "2"}, {"a", R"({"x": 1})"}, {"c", "\"\\u0041\""}}));
  EXPECT_EQ(*map.find("a"), R"({"x": 1})");
  EXPECT_EQ(map.find("z"), nullptr);
  EXPECT_EQ(map.bytes(), 3 + 1 + 8 + 8U);
}

TEST(Metadata, merges_with_null_as_removal_or_as_value) {
  const Metadata patch{{"a", "null"}, {"b", "2"}, {"new", "3"}, {"unknown", "null"}};
  Metadata removing{{"a", "1"}, {"b", "1"}};
  removing.merge(patch, Metadata::NullMeans::remove);
  EXPECT_EQ(removing, (Metadata{{"b", "2"}, {"new", "3"}}));
  Metadata storing{{"a", "1"}, {"b", "1"}};
  storing.merge(patch, Metadata::NullMeans::store);
  EXPECT_EQ(storing, (Metadata{{"a", "null"}, {"b", "2"}, {"new", "3"}, {"unknown", "null"}}));
}

TEST(Metadata, survives_a_patch_that_adds_and_removes_the_same_key) {
  Metadata patch;
  patch.append("x", "1");
  patch.append("x", "null");
  patch.append("x", "2");
  Metadata map{{"x", "0"}, {"y", "0"}};
  map.merge(patch, Metadata::NullMeans::remove);
  EXPECT_EQ(map, (Metadata{{"y", "0"}, {"x", "2"}}));
}

TEST(Metadata, merges_large_patches) {
  Metadata map, patch, removal;
  for (int i = 0; i < 1000; ++i) patch.append("a key long enough for the heap " + std::to_string(i), "1");
  for (int i = 0; i < 1000; i += 2) removal.append("a key long enough for the heap " + std::to_string(i), "null");
  map.merge(patch, Metadata::NullMeans::remove);
  map.merge(patch, Metadata::NullMeans::remove);
  EXPECT_EQ(map.size(), 1000U);
  map.merge(removal, Metadata::NullMeans::remove);
  EXPECT_EQ(map.size(), 500U);
  EXPECT_EQ(map.entries().front().first, "a key long enough for the heap 1");
}

TEST(Metadata, erases) {
  Metadata map{{"a", "1"}, {"b", "2"}};
  map.erase("a");
  map.erase("a");
  EXPECT_EQ(map, (Metadata{{"b", "2"}}));
  EXPECT_TRUE(is_reserved_key("__proto__"));
  EXPECT_FALSE(is_reserved_key("_x"));
}

}  // namespace
}  // namespace sluice
