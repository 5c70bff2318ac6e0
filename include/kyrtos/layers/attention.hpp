// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/pass_bytes.hpp>
#include <kyrtos/layers/work.hpp>

namespace kyrtos::layers {

/// In how many kernels a backward pass of attention goes over the pairs of tokens.
enum class AttentionBackward {
  automatic,  ///< `fused` where batch × key heads keep all threads busy, else `split`.
  fused,      ///< One for dQ, dK and dV, a key head being the work of one thread (CPUs).
  split,      ///< One for dK and dV, one for dQ: more FLOPs, many more pieces of work.
};

/// What a pass is made of.
enum class AttentionMethod : int {
  automatic,  ///< The faster of the two, as far as it is known: Attention::is_blocked().
  streamed,   ///< Kernels whose teams stream tiles through their scratch; nothing is rounded.
  blocked,  ///< Batched matrix products over blocks of queries; factors as the context's products.
};

/// The one that passes take over sequences of such a length: `wanted`, or what is known as the
/// faster. Trainer and predictions ask here.
AttentionMethod chosen_method(AttentionMethod wanted, Machine const& machine, bool is_float32,
                              Index length);

struct AttentionOptions {
  Index heads = 1;      ///< Query heads H.
  Index kv_heads = 0;   ///< Key/value heads H_kv, each shared by H/H_kv query heads; 0: H.
  Index head_size = 1;  ///< D
  bool causal = true;   ///< A token sees itself and those before it; otherwise all.
  double soft_cap = 0;  ///< Scores s become c·tanh(s/c) (Gemma 2, arXiv 2408.00118); 0: off.
  Index window = 0;  ///< W: token t sees t-W+1 … t (Mistral 7B, arXiv 2310.06825); 0: all before.
  AttentionBackward backward = AttentionBackward::automatic;  ///< Of the streamed passes.
  AttentionMethod method = AttentionMethod::automatic;
  /// Most bytes that a blocked pass works on at once; 0: 32 MiB on CPUs, 4 GiB on devices. One
  /// sequence's keys and values of one head, and 16 queries' scores, are held in any case.
  Index working_bytes = 0;
};

/// Multi-head self-attention, y = softmax(QKᵀ/√D) V per head and sequence, without parameters.
///
/// x has packed rows [q heads | k heads | v heads] of (H + 2·H_kv)·D values, y rows of H·D. No pass
/// holds anything of the size length × length. Memory besides x and y: `saved` is the log-sum-exp L
/// and the largest score m, `tangent saved` is the tangent μ of L, scratch D and Ḋ, each one number
/// a (token, query head).
///
/// **Two ways.** Streamed passes work on tiles of pairs in team scratch, with the online softmax
/// (Milakov & Gimelshein, arXiv 1805.02867; Dao et al., arXiv 2205.14135). Blocked passes multiply
/// a block of queries with all keys that it sees by linalg::gemm_batched(), so that whatever
/// multiplies matrices fastest does most of the work; they hold packed heads and a block's scores,
/// linear in the length and bounded by `working_bytes`. Both compute the same, and saved values
/// mean the same: passes of both go together. But where the context's products round their factors
/// (Context::products()), blocked passes round Q, K, V, dO, P and dS and their tangents, streamed
/// ones nothing: there all passes should go the same way.
///
/// **Derivation.** For one head with scale 1/√D in Q, S = QKᵀ, Z = S or c·tanh(S/c), and i a query
/// that sees the keys j:
///
///     Lᵢ = ln Σⱼ exp Zᵢⱼ,   P = exp(Z - L),   O = PV                                   (forward)
///
/// Along a direction, Ṡ = Q̇Kᵀ + QK̇ᵀ and Ż = Z'∘Ṡ with Z' = 1 - (Z/c)². As L̇ᵢ = Σⱼ Pᵢⱼ Żᵢⱼ = μᵢ,
///
///     Ṗ = P∘(Ż - μ),   Ȯ = ṖV + PV̇ = (P∘Ż)V - μO + PV̇                       (tangent forward)
///
/// so that the tangent needs not to go over the keys twice to know μ. Backward, with dP = dO Vᵀ and
/// Dᵢ = Σⱼ Pᵢⱼ dPᵢⱼ, which is the row sum of dO∘O,
///
///     dZ = P∘(dP - D),   dS = Z'∘dZ,   dQ = dS K,   dK = dSᵀQ,   dV = Pᵀ dO           (backward)
///
/// and its tangent, with dṖ = dȮVᵀ + dO V̇ᵀ, Ḋ the row sum of dȮ∘O + dO∘Ȯ, Z'' = -2 Z Z'/c²,
///
///     dŻ = Ṗ∘(dP - D) + P∘(dṖ - Ḋ),   dṠ = Z'∘dŻ + Z''∘Ṡ∘dZ                   (tangent backward)
///     dQ̇ = dṠ K + dS K̇,   dK̇ = dṠᵀQ + dSᵀQ̇,   dV̇ = ṖᵀdO + PᵀdȮ
///
/// L, μ, D, Ḋ are all that a pair (i, j) needs beyond rows i and j, and known beforehand: no
/// backward pass goes over the pairs to find them.
///
/// **Cost.** Of streamed passes: products of tiles, each 2·D FLOPs a pair and head; there are
/// length·(length + 1)/2 pairs if causal, length² if not, and with a window W < length it is
/// length·W - W·(W - 1)/2: tiles of pairs outside of it are left out. Every pass computes S again,
/// which is cheaper than to store it.
///
/// | pass             | products, fused                              | split           |
/// |------------------|----------------------------------------------|-----------------|
/// | forward          | S, O: 2                                      |                 |
/// | tangent forward  | S, Ṡ 2, (P∘Ż)V, PV̇: 5                        |                 |
/// | backward         | S, dP, dQ, dK, dV: 5                         | (4) + (3) = 7   |
/// | tangent backward | S, Ṡ 2, dP, dṖ 2, dQ̇ 2, dK̇ 2, dV̇ 2: 12      | (10) + (8) = 18 |
///
/// Without atomics, dK and dV want one piece of work a tile of keys and dQ one a tile of queries:
/// two kernels (`split`), as on devices. On a CPU one thread can take all tiles of a key head in
/// turn and add to dQ in memory (`fused`), where there are enough heads for all threads. Either way
/// every sum has a fixed order: results repeat bit by bit for the same `AttentionBackward`.
/// Memory traffic: a kernel with n resident tiles reads the rows that stream past them n times (n/2
/// if causal, about (W + tile)/tile with a window). Blocked passes multiply as often as fused ones,
/// and all pairs of a block's queries with the keys that any of them sees; each product's scores go
/// to memory and come back.
template <class Scalar, class Space>
class Attention : public Layer<Scalar, Space> {
 public:
  using typename Layer<Scalar, Space>::ConstVector;
  using typename Layer<Scalar, Space>::MutableVector;
  using typename Layer<Scalar, Space>::Pass;
  using typename Layer<Scalar, Space>::Back;

  /// \throws ConfigError when the heads do not divide into groups, the cap or the window is
  /// negative, or there is a window but tokens see those behind them.
  explicit Attention(AttentionOptions const& options);

  std::string kind() const override { return "attention"; }
  Index in_features() const override {
    return (options_.heads + 2 * options_.kv_heads) * options_.head_size;
  }
  Index out_features() const override { return options_.heads * options_.head_size; }
  Index saved_size(SequenceShape shape) const override { return 2 * tangent_saved_size(shape); }
  Index tangent_saved_size(SequenceShape shape) const override {
    return shape.tokens() * options_.heads;
  }
  double forward_flops(SequenceShape shape) const override;

  void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const override;
  /// Keys and values, 2·H_kv·D a token.
  Index past_size(Index capacity) const override {
    return 2 * options_.kv_heads * options_.head_size * capacity;
  }
  /// 4·H·D FLOPs for each token and each that it sees; reads their keys and values once a query
  /// head. \throws ConfigError unless causal, ShapeError beyond the capacity.
  void extend(Context<Space> const& context, ConstVector theta, Pass const& p,
              Past<Scalar, Space> const& past) const override;
  void backward(Context<Space> const& context, ConstVector theta, Pass const& p, Back const& a,
                MutableVector dtheta) const override;
  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Pass const& p, Pass const& t) const override;
  void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                        Pass const& p, Pass const& t, Back const& a, Back const& ta,
                        MutableVector hu) const override;

  /// Whether the passes of such sequences are blocked: chosen_method().
  bool is_blocked(Machine const& machine, SequenceShape shape) const;
  bool is_blocked(Context<Space> const& context, SequenceShape shape) const {
    return is_blocked(machine_of(context), shape);
  }

  /// What a pass does. Of blocked passes the arithmetic of the softmax is left out: bytes limit the
  /// kernels that do it. Streamed passes have one kernel on hosts, and two on devices.
  Work work(PassKind pass, SequenceShape shape, Machine const& machine) const;

  /// Of the context's scratch memory, what a blocked pass takes, with `tangents` one of a product;
  /// 0 where passes are streamed, which take little.
  Index scratch_bytes(Context<Space> const& context, SequenceShape shape, bool tangents) const;

  /// Of the kernels with teams that such sequences take; blocked passes have none. Enqueues
  /// nothing; notes what teams take (Context::note_team_scratch). \throws ConfigError where the
  /// device lacks the scratch memory, threads or registers for a pass; with `tangents`, for a
  /// tangent pass too.
  void check_device(Context<Space> const& context, SequenceShape shape, bool tangents) const;

  /// Raises `per_head`, one number a query head, to the largest score Z that a forward pass met
  /// there: what explodes when attention becomes unstable. Asynchronous.
  void update_head_max(Context<Space> const& context, Pass const& p, MutableVector per_head) const;

  /// As resolved: no zero that stands for another value, but in soft_cap and window.
  AttentionOptions const& options() const { return options_; }

 private:
  AttentionOptions options_;
};

}  // namespace kyrtos::layers
