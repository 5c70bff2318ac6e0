// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A solver of the heat equation on sixteen rings trains a Transformer in its time loop, on its own
// fields, to predict them twenty steps ahead, and watches the curvature. The loss is taken before a
// frame is learned; its mean over the last twenty is less than a fiftieth of the first.

#include <kyrtos/core/random.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/curvature_probe.hpp>

#include <cstdio>

namespace {

using Space = Kokkos::DefaultExecutionSpace;
constexpr int rings = 16, patches = 8, points = 8, cells = patches * points;
using Field = Kokkos::View<float**, Kokkos::LayoutRight>;  // [rings, cells]
using EachCell = Kokkos::MDRangePolicy<Kokkos::Rank<2>>;

/// Every eighth ring gets a new field, four waves of random height and phase; at first all do.
void ignite(Field const& heat, int frame) {
  Kokkos::parallel_for(
      "ignite", EachCell({0, 0}, {rings, cells}), KOKKOS_LAMBDA(int ring, int cell) {
        if (frame > 0 && (ring + frame) % 8 != 0) return;
        kyrtos::Philox const random{1, static_cast<std::uint64_t>(frame * rings + ring)};
        double sum = 0;
        for (unsigned wave = 1; wave <= 4; ++wave)
          sum += random.normal(wave) *
                 kyrtos::math::sin(6.283185 * (random.uniform(wave + 9) + wave * cell / 64.0));
        heat(ring, cell) = static_cast<float>(sum);
      });
}

/// One explicit step of ∂u/∂t = ∂²u/∂x² on periodic rings.
void diffuse(Field const& heat, Field const& next) {
  Kokkos::parallel_for(
      "diffuse", EachCell({0, 0}, {rings, cells}), KOKKOS_LAMBDA(int ring, int cell) {
        float const here = heat(ring, cell), left = heat(ring, (cell + cells - 1) % cells),
                    right = heat(ring, (cell + 1) % cells);
        next(ring, cell) = here + 0.4F * (left - 2 * here + right);
      });
}

/// A Transformer that reads a ring as eight patches of eight points, and what trains it.
class Surrogate {
 public:
  Surrogate(Field const& before, Field const& after)
      : batch_(patches_of(before, after)),
        theta_("theta", static_cast<std::size_t>(model_.layout().size())),
        gradient_("gradient", theta_.size()) {
    model_.initialize(context_, /*seed=*/1, theta_);
  }

  /// One step of Adam on the frame. \return the frame's loss before it.
  double learn(double rate) {
    kyrtos::linalg::fill(context_, gradient_, 0);
    double const loss = model_.gradient(memory_, theta_, batch_, gradient_);
    adam_.update(context_, theta_, gradient_, rate);
    sharpness = probe_.after_update(adam_, rate).threshold_ratio.value_or(0);
    return loss;
  }
  double sharpness = 0;  ///< Over the threshold of stability.

 private:
  static kyrtos::layers::Batch<float> patches_of(Field const& before, Field const& after) {
    kyrtos::layers::Batch<float> batch{.shape = {rings, patches}};
    batch.input_fields = decltype(batch.input_fields)(before.data(), rings * patches, points);
    batch.target_fields = decltype(batch.target_fields)(after.data(), rings * patches, points);
    batch.weight = 1.0 / (rings * patches);  // so that the loss is a mean
    return batch;
  }
  kyrtos::Context<> context_{MPI_COMM_SELF};
  kyrtos::TransformerConfig const config_{.context = patches,
                                          .input_features = points,
                                          .output_features = points,
                                          .depth = 2,
                                          .width = 48,
                                          .causal = false};
  kyrtos::Transformer<float> model_{config_};
  kyrtos::layers::Batch<float> batch_;
  kyrtos::Vector<float, Space> theta_, gradient_;
  kyrtos::TransformerWorkspace<float> memory_{context_, model_, batch_.shape};
  kyrtos::OptimizerConfig settings_;
  kyrtos::optim::AdamW<float, Space> adam_{
      context_, model_.layout().size(), kyrtos::optim::ranges_of(model_.layout()), settings_.adamw};
  kyrtos::CurvatureProbe<float, Space> probe_{context_, model_,       theta_,  settings_,
                                              {},       batch_.shape, {batch_}};
};

/// \return the mean loss of the last twenty frames over the first frame's.
double simulate(int frames) {
  Field const before("u", rings, cells), after("u20", rings, cells), other("uk", rings, cells);
  Surrogate surrogate(before, after);
  double first = 0, last = 0;
  for (int frame = 0; frame < frames; ++frame) {
    ignite(before, frame);
    Kokkos::deep_copy(after, before);
    for (int step = 0; step < 20; step += 2) diffuse(after, other), diffuse(other, after);
    double const loss = surrogate.learn(2e-3);
    if (frame == 0) first = loss;
    if (frame >= frames - 20) last += loss / 20;
    if (frame % 50 == 0)
      std::printf("frame %3d  loss %.4f  sharpness %.2f\n", frame, loss, surrogate.sharpness);
    Kokkos::deep_copy(before, after);
  }
  std::printf("the loss fell to %.3f of the first\n", last / first);
  return last / first;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize(argc, argv);
  double const ratio = simulate(300);
  Kokkos::finalize(), MPI_Finalize();
  return ratio < 0.02 ? 0 : 1;
}
