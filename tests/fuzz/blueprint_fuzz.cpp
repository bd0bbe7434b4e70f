// Blueprints, in TOML. What was understood is written again and must read the same.
#include "batch/blueprint.hpp"

#include "batch/blueprint_write.hpp"
#include "batch/window.hpp"
#include "fuzz.hpp"

using namespace vmconvert;

namespace {

// What else looks at a value.
void use(const batch::GuestBlueprint& guest) {
  static_cast<void>(guest.label());
  fuzz::attempt([&] { static_cast<void>(guest.adjustments()); });
}

void require_same_when_written(const batch::GuestBlueprint& guest) {
  const std::string text = batch::to_toml(guest);
  const batch::BlueprintFile again = batch::parse_blueprint(text, "/srv/again.toml");
  fuzz::require(again.problems.empty() && again.guests.size() == 1,
                "a blueprint that cannot be read back:\n" + text);
  fuzz::require(again.guests[0].settings.size() == guest.settings.size() &&
                    again.guests[0].hooks.size() == guest.hooks.size(),
                "a blueprint that loses a key:\n" + text);
  for (const auto& [key, setting] : guest.settings) {
    fuzz::require(again.guests[0].settings.at(key).value == setting.value,
                  "a blueprint with another " + key);
  }
}

}  // namespace

FUZZ_TARGET(blueprint) {
  const batch::BlueprintFile file = batch::parse_blueprint(input.text(), "/srv/input.toml");
  for (const batch::Problem& problem : file.problems) {
    static_cast<void>(to_text(problem));
  }
  use(file.defaults);
  for (const batch::GuestBlueprint& guest : file.guests) {
    use(guest);
    if (file.problems.empty()) {
      require_same_when_written(guest);
    }
  }
  static_cast<void>(batch::Window::parse(input.text()));
  static_cast<void>(parse_size(input.text()));
  fuzz::attempt([&] { batch::require_sound(file); });
  fuzz::attempt([&] { batch::pick_guest(file, "web01"); });
}
