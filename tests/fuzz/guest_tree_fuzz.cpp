// What only looks at a guest's tree: facts, the survey for the checks, the choice of the new
// machine's devices, the walk along the boot path.
#include "fuzz.hpp"
#include "guest/boot_path.hpp"
#include "guest/choose_hardware.hpp"
#include "guest/search.hpp"
#include "guest/survey.hpp"
#include "guest_tree.hpp"

using namespace vmconvert;

FUZZ_TARGET(guest_tree) {
  fuzz::GuestTree tree(input);
  model::GuestSurvey survey;
  fuzz::attempt([&] { guest::survey_tree(tree.root(), tree.facts, survey); });
  model::Hardware hardware;
  fuzz::attempt([&] {
    hardware =
        guest::choose_hardware(tree.root(), tree.facts, tree.domain, tree.layout, tree.to).hardware;
    const std::size_t places = hardware.places.size();
    fuzz::require(places == hardware.in_guest.size(), "a disk without a name in the guest");
    fuzz::require(places == 0 || places == tree.layout.disks.size(), "a disk without a place");
  });
  fuzz::attempt([&] {
    const guest::BootPath path =
        guest::walk_boot_path(tree.root(), tree.facts, tree.layout, tree.to, hardware);
    fuzz::require(!path.links.empty(), "a boot path without a link");
    static_cast<void>(path.findings());
  });
  fuzz::attempt([&] { guest::search_values(tree.root(), {{"192.0.2.9", {}}, {"web01", {}}}); });
}
