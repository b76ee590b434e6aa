#include "control/supervisor/upgrade.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include "control/supervisor/layout_report.hpp"
#include "control/supervisor/memory_file.hpp"
#include "control/supervisor/start_error.hpp"

namespace sluice::supervisor {
namespace {

using namespace std::chrono_literals;

constexpr Duration step_limit = 15s;
constexpr Duration look_every = 10ms;
// A spare that dies this often does not start.
constexpr unsigned spare_deaths_max = 3;
// A few lines.
constexpr std::size_t description_max = 4096;

std::string text_of(int fd) {
  std::string text(description_max, '\0');
  const ssize_t size = ::pread(fd, text.data(), text.size(), 0);
  text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return text;
}

}  // namespace

void Upgrade::tell(const std::string& text) {
  parts_.log.info("upgrade", {{"step", text}});
  parts_.socket.say(UpgradeAnswer::Kind::progress, text);
}

void Upgrade::refuse(const std::string& why) {
  parts_.log.warn("upgrade refused", {{"reason", why}});
  parts_.socket.say(UpgradeAnswer::Kind::refused, why);
  abandon();
}

void Upgrade::abandon() {
  if (describer_) describer_->signal(SIGKILL);
  if (describer_) (void)describer_->reap();
  describer_.reset();
  description_.reset();
  places_.clear();
  step_ = Step::idle;
}

void Upgrade::enter(Step step, TimePoint now) {
  step_ = step;
  give_up_at_ = now + step_limit;
  next_look_ = now;
}

void Upgrade::watch(std::vector<pollfd>& watched) const {
  if (step_ == Step::idle) parts_.socket.watch(watched);
  if (describer_) watched.push_back({describer_->pidfd(), POLLIN, 0});
}

void Upgrade::advance(TimePoint now) {
  if (step_ == Step::idle) {
    if (const auto folder = parts_.socket.take_request()) begin(now, *folder);
    return;
  }
  if (now < next_look_ && !describer_) return;
  next_look_ = now + look_every;
  switch (step_) {
    case Step::idle:
      break;
    case Step::checking:
      check(now);
      break;
    case Step::asking:
      hear(now);
      break;
    case Step::warming:
      if (parts_.spares.warm()) {
        next_place(now);
      } else if (now >= give_up_at_ || parts_.spares.deaths() >= spare_deaths_max) {
        go_back(now, "its worker does not start");
      }
      break;
    case Step::replacing:
      move_over(now);
      break;
    case Step::executing:
      if (!parts_.keeper.empty() && parts_.keeper.front().running()) {
        execute();
      } else if (now >= give_up_at_) {
        refuse("Everything but the supervisor runs the new build: it has no keeper that would hold its descriptors.");
      }
      break;
  }
}

void Upgrade::begin(TimePoint now, const std::filesystem::path& folder) {
  next_ = parts_.config.programs.in(folder);
  before_ = parts_.config.programs;
  if (const auto missing = next_.missing(); !missing.empty()) {
    return refuse("There is no program " + missing.string() + ": name the folder of a whole build. Nothing was changed.");
  }
  tell("checks " + folder.string());
  ask_about(now, next_.worker, {"--describe-layout"}, Step::checking);
}

void Upgrade::ask_about(TimePoint now, const std::filesystem::path& program, std::vector<std::string> arguments, Step step) {
  try {
    description_ = make_memory_file("sluice-answer");
    // The server reads its configuration from the environment too.
    const Inherit inherit = step == Step::asking ? Inherit::everything : Inherit::without_configuration;
    describer_ = ChildProcess::start({program, std::move(arguments), inherited_environment(inherit), description_.get()});
    if (step == Step::asking) describer_->give({{"roster", parts_.roster.fd()}});
    enter(step, now);
  } catch (const StartError& error) {
    refuse(std::string(error.what()) + " Nothing was changed.");
  }
}

void Upgrade::check(TimePoint now) {
  const std::optional<Ending> ending = describer_->reap();
  if (!ending && now < give_up_at_) return;
  const auto layouts =
      ending && !ending->by_signal && ending->number == 0 ? parse_layouts(text_of(description_.get())) : std::nullopt;
  if (ending) describer_.reset();
  if (!layouts) return refuse("The new worker does not say what it can take over. Nothing was changed.");
  if (const std::string why = why_not_adoptable(parts_.holdings.layouts(), *layouts); !why.empty()) {
    return refuse("The new build cannot take over the running calls: " + why + ". Nothing was changed.");
  }
  ask_about(now, next_.server, parts_.config.check_arguments, Step::asking);
}

void Upgrade::hear(TimePoint now) {
  const std::optional<Ending> ending = describer_->reap();
  if (!ending && now < give_up_at_) return;
  if (!ending) return refuse("The new sluice does not answer. Nothing was changed.");
  describer_.reset();
  if (ending->by_signal || ending->number != 0) {
    std::string why = text_of(description_.get());
    std::replace(why.begin(), why.end(), '\n', ' ');
    if (why.empty()) why = "it says nothing and ends with " + ending->to_string() + ". ";
    return refuse("The new build would not take over with the present arguments: " + why + "Nothing was changed.");
  }
  start_moving(now);
}

void Upgrade::start_moving(TimePoint now) {
  // From here on every start is one of the new build, whoever makes it.
  parts_.config.programs = next_;
  parts_.roster.set_folder(next_.worker.parent_path());
  parts_.spares.renew(now);
  for (std::size_t i = 1; i < parts_.media.size(); ++i) places_.push_back(&parts_.media[i]);
  places_.push_back(&parts_.media.front());
  places_.push_back(&parts_.control.front());
  enter(Step::warming, now);
}

void Upgrade::next_place(TimePoint now) {
  if (places_.empty()) {
    tell("the supervisor goes on as the new build");
    enter(Step::executing, now);
    return;
  }
  replaced_ = places_.front()->pid();
  places_.front()->replace(now);
  enter(Step::replacing, now);
}

void Upgrade::move_over(TimePoint now) {
  const Child& place = *places_.front();
  if (place.running() && place.pid() != replaced_ && place.works()) {
    tell(place.name() + " runs the new build, process " + std::to_string(place.pid()));
    places_.pop_front();
    // The next worker needs a spare that is warm.
    if (places_.size() > 2) {
      parts_.spares.want_one(now);
      enter(Step::warming, now);
    } else {
      next_place(now);
    }
  } else if (now >= give_up_at_) {
    go_back(now, place.name() + " does not come up");
  }
}

void Upgrade::go_back(TimePoint now, const std::string& why) {
  parts_.config.programs = before_;
  parts_.roster.set_folder(before_.worker.parent_path());
  parts_.spares.renew(now);
  if (step_ == Step::replacing && !places_.front()->works()) places_.front()->replace(now);
  refuse("The new build was given up: " + why + ". What was moved before stays until its next start.");
}

void Upgrade::execute() {
  parts_.spares.end_all();
  const int client = parts_.socket.client();
  if (client >= 0) (void)::fcntl(client, F_SETFD, 0);
  parts_.roster.set_upgrade_client(client);
  std::vector<std::string> words{next_.server.string()};
  words.insert(words.end(), parts_.config.server_arguments.begin(), parts_.config.server_arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  parts_.log.info("goes on as another build", {{"program", words.front()}});
  (void)::execve(words.front().c_str(), pointers.data(), environ);
  const std::string reason = std::strerror(errno);
  (void)parts_.roster.take_upgrade_client();
  if (client >= 0) (void)::fcntl(client, F_SETFD, FD_CLOEXEC);
  parts_.spares.resume();
  refuse("Everything but the supervisor runs the new build: " + words.front() + " cannot be executed (" + reason + ").");
}

}  // namespace sluice::supervisor
