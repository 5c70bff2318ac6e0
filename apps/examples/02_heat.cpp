// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A solver of the heat equation on sixteen rings trains a Transformer in its time loop, on its own
// fields, to predict them twenty steps ahead, and watches the curvature. The loss is taken before a
// frame is learned; its mean over the last twenty is less than a fiftieth of the first.

#include <kyrtos/core/random.hpp>
#include <kyrtos/kyrtos.hpp>

#include <cstdio>

namespace {

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
  Surrogate(Field const& before, Field const& after) : batch_(patches_of(before, after)) {
    theta_.initialize(model_, /*seed=*/1);
    trainer_.watch({batch_});
  }

  /// One step of Adam on the frame that the fields hold now.
  kyrtos::train::StepReport learn(double rate) { return trainer_.step({batch_}, rate); }

 private:
  static kyrtos::Batch<float> patches_of(Field const& before, Field const& after) {
    kyrtos::Batch<float> batch{.shape = {rings, patches}};
    batch.input_fields = decltype(batch.input_fields)(before.data(), rings * patches, points);
    batch.target_fields = decltype(batch.target_fields)(after.data(), rings * patches, points);
    batch.weight = 1.0 / (rings * patches);  // so that the loss is a mean
    return batch;
  }
  kyrtos::Context<> context_{MPI_COMM_SELF};
  kyrtos::model::Transformer<float> model_{{.context = patches,
                                            .input_features = points,
                                            .output_features = points,
                                            .depth = 2,
                                            .width = 48,
                                            .causal = false}};
  kyrtos::Batch<float> batch_;
  kyrtos::model::Parameters<float> theta_{context_, model_};
  kyrtos::model::Objective<float> loss_{context_, model_, theta_};
  kyrtos::optim::AdamW<float> adam_{context_, model_.layout()};
  kyrtos::train::Trainer<float> trainer_{loss_, adam_, {.clip_norm = 0}};
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
    auto const step = surrogate.learn(2e-3);
    if (frame == 0) first = step.loss;
    if (frame >= frames - 20) last += step.loss / 20;
    if (frame % 50 == 0)
      std::printf("frame %3d  loss %.4f  λη/threshold %.2f\n", frame, step.loss,
                  step.sharpness->threshold_ratio.value_or(0));
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
