// What only looks at a guest's tree: facts, the survey for the checks, the walk along the boot
// path.
#include "fuzz.hpp"
#include "guest/boot_path.hpp"
#include "guest/search.hpp"
#include "guest/survey.hpp"
#include "guest_tree.hpp"

using namespace vmconvert;

FUZZ_TARGET(guest_tree) {
  fuzz::GuestTree tree(input);
  model::GuestSurvey survey;
  fuzz::attempt([&] { guest::survey_tree(tree.root(), tree.facts, survey); });
  fuzz::attempt([&] {
    const guest::BootPath path =
        guest::walk_boot_path(tree.root(), tree.facts, tree.layout, tree.to);
    fuzz::require(!path.links.empty(), "a boot path without a link");
    static_cast<void>(path.findings());
  });
  fuzz::attempt([&] { guest::search_values(tree.root(), {{"192.0.2.9", {}}, {"web01", {}}}); });
}
