// Runs a fuzz target over a corpus folder, for builds without libFuzzer: every seed, and every truncation of it.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: NAME_fuzz CORPUS_FOLDER\n", stderr);
    return 2;
  }
  std::size_t inputs = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    // Small inputs are cut at every byte; large ones at 256 places, so that a run stays a matter of seconds.
    const std::size_t step = bytes.size() <= 2048 ? 1 : bytes.size() / 256;
    for (std::size_t size = 0; size <= bytes.size(); size += step) {
      // A copy of exactly this size, so that AddressSanitizer sees a read past the end.
      const std::vector<std::uint8_t> input(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
      LLVMFuzzerTestOneInput(input.data(), input.size());
    }
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++inputs;
  }
  if (inputs == 0) {
    std::fprintf(stderr, "%s holds no seed: a fuzz target needs a corpus\n", argv[1]);
    return 1;
  }
  std::printf("%zu seeds replayed\n", inputs);
  return 0;
}
