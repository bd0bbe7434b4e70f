// A conversion from the first look to the defined domain. The order of the calls is the story:
//   read_source, patch (or look_inside), make_plan, carry_out.
// Everything before carry_out writes only below the state folder, and all of that goes with the
// object. carry_out undoes what it did when it throws.
#pragma once

#include <memory>

#include "job/request.hpp"
#include "model/plan.hpp"
#include "model/result.hpp"

namespace vmconvert::guest {
class Appliance;
}

namespace vmconvert::job {

class Conversion {
 public:
  Conversion(Request request, Tools tools);
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;
  ~Conversion();

  // Description, disks from outside, layout, host; and the target's place where one is named.
  // Takes seconds: no appliance. Adds findings.
  void read_source();

  // One appliance run that only looks.
  void look_inside();
  // One appliance run on an overlay: inspect, fix, walk the boot path, trim.
  void patch();

  [[nodiscard]] model::Plan make_plan();
  // Error(refused) naming each finding that blocks and is not accepted; Error(usage) for accepted
  // ids that nothing was found for.
  void refuse_if_blocked();

  // The plan's steps, in order.
  void carry_out(const model::Plan& plan);

  [[nodiscard]] const model::Domain& domain() const;
  [[nodiscard]] const model::Layout& layout() const;
  [[nodiscard]] const model::GuestFacts& guest() const;
  [[nodiscard]] model::RunResult& result();

 private:
  struct State;
  class Carrier;

  void check_target();
  void open_overlays();
  void fix_guest(guest::Appliance& appliance);
  void read_extents();
  void check_space();
  [[nodiscard]] guest::Appliance launch();
  [[nodiscard]] std::string virt_type() const;
  [[nodiscard]] std::string make_domain_xml() const;
  [[nodiscard]] std::vector<model::Step> make_steps(const model::Plan& plan) const;
  std::unique_ptr<State> m_state;
};

}  // namespace vmconvert::job
