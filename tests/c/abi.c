// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Prints what compiled programs know of the structs of kyrtos.h: their sizes, and where each
// member lies. tests/c/abi_test.py compares it with abi.txt.

#include <kyrtos/kyrtos.h>

#include <stddef.h>
#include <stdio.h>

#define SIZE(type) printf(#type " %zu\n", sizeof(type))
#define MEMBER(type, name) printf(#type "." #name " %zu\n", offsetof(type, name))

int main(void) {
  printf("KYRTOS_ABI_VERSION %d\n", KYRTOS_ABI_VERSION);
  SIZE(kyrtos_status);
  SIZE(kyrtos_array);
  MEMBER(kyrtos_array, data);
  MEMBER(kyrtos_array, type);
  MEMBER(kyrtos_array, memory);
  MEMBER(kyrtos_array, rank);
  MEMBER(kyrtos_array, extents);
  MEMBER(kyrtos_array, strides);
  SIZE(kyrtos_batch);
  MEMBER(kyrtos_batch, inputs);
  MEMBER(kyrtos_batch, targets);
  MEMBER(kyrtos_batch, weight);
  SIZE(kyrtos_segment);
  MEMBER(kyrtos_segment, name);
  MEMBER(kyrtos_segment, offset);
  MEMBER(kyrtos_segment, size);
  MEMBER(kyrtos_segment, rank);
  MEMBER(kyrtos_segment, extents);
  SIZE(kyrtos_eigenvalue);
  MEMBER(kyrtos_eigenvalue, value);
  MEMBER(kyrtos_eigenvalue, residual);
  SIZE(kyrtos_density_options);
  MEMBER(kyrtos_density_options, probes);
  MEMBER(kyrtos_density_options, steps);
  MEMBER(kyrtos_density_options, grid_points);
  MEMBER(kyrtos_density_options, relative_width);
  MEMBER(kyrtos_density_options, seed);
  SIZE(kyrtos_density);
  MEMBER(kyrtos_density, grid);
  MEMBER(kyrtos_density, density);
  MEMBER(kyrtos_density, standard_error);
  MEMBER(kyrtos_density, nodes);
  MEMBER(kyrtos_density, weights);
  MEMBER(kyrtos_density, width);
  MEMBER(kyrtos_density, hvps);
  SIZE(kyrtos_sharpness);
  MEMBER(kyrtos_sharpness, lambda);
  MEMBER(kyrtos_sharpness, residual);
  MEMBER(kyrtos_sharpness, threshold_ratio);
  MEMBER(kyrtos_sharpness, hvps);
  MEMBER(kyrtos_sharpness, quality);
  MEMBER(kyrtos_sharpness, stability);
  SIZE(kyrtos_tracker_options);
  MEMBER(kyrtos_tracker_options, threshold);
  MEMBER(kyrtos_tracker_options, target_residual);
  MEMBER(kyrtos_tracker_options, block);
  MEMBER(kyrtos_tracker_options, min_hvps);
  MEMBER(kyrtos_tracker_options, max_hvps);
  MEMBER(kyrtos_tracker_options, cold_hvps);
  MEMBER(kyrtos_tracker_options, seed);
  MEMBER(kyrtos_tracker_options, target);
  SIZE(kyrtos_step);
  MEMBER(kyrtos_step, step);
  MEMBER(kyrtos_step, loss);
  MEMBER(kyrtos_step, gradient_norm);
  MEMBER(kyrtos_step, sharpness);
  return 0;
}
