// Every kind of tampering is found (notes/hardening.md, section 6).
#include "control/security/audit/audit_verify.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/support/scratch_folder.hpp"

namespace sluice {
namespace {

namespace fs = std::filesystem;

struct Tampering : ::testing::Test {
  Tampering() {
    AuditChain chain("key");
    for (int i = 0; i < 30; ++i) {
      lines.push_back(
          chain.seal(R"({"ts":)" + std::to_string(1000 + i) + R"(,"event":"e","n":")" + std::to_string(i) + "\""));
      checkpoints.push_back({chain.last_seq(), chain.last_hash()});
    }
  }
  std::string write(const std::string& name, std::size_t from, std::size_t to, const std::string& end = "\n") {
    const fs::path path = folder / name;
    std::ofstream file(path, std::ios::binary);
    for (std::size_t i = from; i < to; ++i) file << lines[i] << (i + 1 == to ? end : "\n");
    return path;
  }
  /// What is said of all lines as they are now.
  AuditVerdict judged(const std::vector<AuditCheckpoint>& known = {}) {
    return verify_audit({write("all", 0, lines.size())}, "key", known);
  }

  test::ScratchFolder scratch;
  fs::path folder = scratch.path();
  std::vector<std::string> lines;
  std::vector<AuditCheckpoint> checkpoints;  // one for each line
};

TEST_F(Tampering, an_untouched_log_is_intact_in_one_file_or_many_in_any_order) {
  const AuditVerdict one = judged();
  EXPECT_TRUE(one.intact) << one.fault;
  EXPECT_EQ(one.lines, 30U);
  EXPECT_EQ(one.first_seq, 1U);
  EXPECT_EQ(one.last_seq, 30U);
  EXPECT_EQ(one.last_hash, checkpoints.back().hash);
  const AuditVerdict many = verify_audit({write("c", 20, 30), write("a", 0, 7), write("empty", 0, 0), write("b", 7, 20)},
                                         "key", {checkpoints[4], checkpoints[29]});
  EXPECT_TRUE(many.intact) << many.fault;
}

TEST_F(Tampering, an_edit_of_any_byte_of_any_line_is_found) {
  const std::string line = lines[7];
  for (std::size_t i = 0; i < line.size(); ++i) {
    lines[7] = line;
    lines[7][i] = line[i] == 'z' ? 'y' : 'z';
    const AuditVerdict verdict = judged();
    EXPECT_FALSE(verdict.intact) << i;
    EXPECT_NE(verdict.fault.find("line 8"), std::string::npos) << verdict.fault;
  }
}

TEST_F(Tampering, a_deletion_anywhere_is_found) {
  const std::vector<std::string> all = lines;
  for (std::size_t i = 0; i + 1 < all.size(); ++i) {
    lines = all;
    lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(judged().intact) << i;
  }
}

TEST_F(Tampering, a_deletion_at_the_end_is_found_by_a_checkpoint) {
  lines.resize(25);
  EXPECT_TRUE(judged().intact) << "nothing in the file says that there was more";
  const AuditVerdict verdict = judged({checkpoints[24], checkpoints[27]});
  EXPECT_FALSE(verdict.intact);
  EXPECT_NE(verdict.fault.find("missing"), std::string::npos) << verdict.fault;
  EXPECT_TRUE(judged({checkpoints[24]}).intact);
}

TEST_F(Tampering, lines_in_another_order_or_twice_are_found) {
  std::swap(lines[3], lines[4]);
  EXPECT_FALSE(judged().intact);
  std::swap(lines[3], lines[4]);
  lines.insert(lines.begin() + 5, lines[5]);
  EXPECT_FALSE(judged().intact);
}

TEST_F(Tampering, a_log_written_anew_without_the_key_is_found) {
  AuditChain forger("another key");
  lines[29] = forger.seal(R"({"ts":1,"event":"forged")");
  EXPECT_FALSE(judged().intact);
  for (std::string& line : lines) line = forger.seal(R"({"ts":1,"event":"forged")");
  EXPECT_FALSE(judged().intact);
  AuditChain bare("");
  for (std::string& line : lines) line = bare.seal(R"({"ts":1,"event":"forged")");
  EXPECT_FALSE(judged().intact) << "lines without a hash prove nothing";
}

TEST_F(Tampering, a_log_written_anew_with_the_key_is_found_by_a_checkpoint) {
  AuditChain insider("key");
  for (std::string& line : lines) line = insider.seal(R"({"ts":1,"event":"forged")");
  EXPECT_TRUE(judged().intact);
  const AuditVerdict verdict = judged({checkpoints[10]});
  EXPECT_FALSE(verdict.intact);
  EXPECT_NE(verdict.fault.find("checkpoint"), std::string::npos) << verdict.fault;
}

TEST_F(Tampering, a_log_may_begin_behind_a_checkpoint_but_nowhere_else) {
  const std::string rest = write("rest", 10, 30);
  EXPECT_FALSE(verify_audit({rest}, "key", {}).intact) << "its beginning is missing";
  EXPECT_FALSE(verify_audit({rest}, "key", {checkpoints[8]}).intact);
  const AuditVerdict verdict = verify_audit({rest}, "key", {checkpoints[9]});
  EXPECT_TRUE(verdict.intact) << verdict.fault;
  EXPECT_EQ(verdict.first_seq, 11U);
  AuditCheckpoint wrong = checkpoints[9];
  wrong.hash[0] = wrong.hash[0] == 'a' ? 'b' : 'a';
  EXPECT_FALSE(verify_audit({rest}, "key", {wrong}).intact);
}

TEST_F(Tampering, a_missing_file_in_the_middle_is_found) {
  EXPECT_FALSE(verify_audit({write("a", 0, 7), write("c", 20, 30)}, "key", {}).intact);
}

TEST_F(Tampering, what_is_no_log_at_all_is_said_to_be_none) {
  EXPECT_FALSE(verify_audit({}, "key", {}).intact);
  EXPECT_FALSE(verify_audit({(folder / "missing").string()}, "key", {}).intact);
  EXPECT_FALSE(verify_audit({write("torn", 0, 5, "")}, "key", {}).intact) << "its last line is not whole";
  std::ofstream(folder / "text") << "some text\n";
  EXPECT_FALSE(verify_audit({(folder / "text").string()}, "key", {}).intact);
  std::ofstream(folder / "zeros") << std::string(100'000, '\0');
  EXPECT_FALSE(verify_audit({(folder / "zeros").string()}, "key", {}).intact);
}

}  // namespace
}  // namespace sluice
