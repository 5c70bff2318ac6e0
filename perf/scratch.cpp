#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/train/trainer.hpp>
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/core.h>
#include <vector>
using namespace kyrtos;
using Space = Kokkos::DefaultExecutionSpace;
int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize();
  {
    Context<Space> context(MPI_COMM_WORLD);
    auto config = load_config(argv[1], std::vector<std::string>(argv + 4, argv + argc));
    Trainer<float, Space> trainer(context, config);
    Index n = trainer.model().layout().size();
    auto v0 = allocate<float>(context, "v0", n), v1 = allocate<float>(context, "v1", n);
    curvature::Lanczos<float, Space> lanczos(context, n, 60);
    int steps = atoi(argv[2]), every = atoi(argv[3]);
    for (int i = 0; i < steps; ++i) {
      auto r = trainer.step();
      bool a = r.step % every == 0, b = r.step % every == 1 && r.step > 1;
      if (!a && !b) continue;
      auto res = lanczos.solve(*trainer.probe()->linear_operator(), {.largest = 5, .smallest = 2, .tolerance = 1e-2, .max_hvps = 40});
      lanczos.eigenvector(curvature::Spectrum::largest_algebraic, 0, a ? v0 : v1);
      fmt::print("step {} loss {:.3f} tracker {:.4g} res {:.2f} lr*lam/38 {:.2f} | {:.4g} {:.4g} {:.4g} {:.4g} | min {:.4g}", r.step, r.loss, r.curvature->lambda.value_or(NAN), r.curvature->residual.value_or(NAN), r.learning_rate*res.largest[0].value/38,
                 res.largest[0].value, res.largest[1].value, res.largest[2].value, res.largest[3].value, res.smallest[0].value);
      if (b) {
        double c = std::fabs(linalg::dot(context, v0, v1));
        fmt::print(" angle {:.3f}", std::acos(std::min(1.0, c)));
      }
      // where it lives
      if (a) { std::vector<std::pair<double,std::string>> w; for (auto& s : trainer.model().layout().segments()) { double q = linalg::norm(context, slice(v0, s.offset, s.size)); w.push_back({q*q, s.name}); } std::sort(w.rbegin(), w.rend()); fmt::print("  {} {:.2f} {} {:.2f} {} {:.2f}", w[0].second, w[0].first, w[1].second, w[1].first, w[2].second, w[2].first); }
      fmt::print("\n");
    }
  }
  Kokkos::finalize();
  MPI_Finalize();
}
