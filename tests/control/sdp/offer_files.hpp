#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "test_paths.hpp"

namespace sluice::sdp {

inline std::string read_offer(const std::string& name) {
  std::ifstream file(std::string(SLUICE_TEST_DATA) + "/sdp/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline const std::vector<std::string>& offer_names() {
  static const std::vector<std::string> names = {"chromium_publish.sdp",
                                                 "chromium_publish_and_receive.sdp",
                                                 "chromium_sendrecv_balanced.sdp",
                                                 "firefox_publish_and_receive.sdp",
                                                 "werift.sdp",
                                                 "aiortc.sdp"};
  return names;
}

inline std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

}  // namespace sluice::sdp
