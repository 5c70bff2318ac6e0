// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "operator.hpp"

namespace kyrtos::c {

template <class Scalar>
void CallbackOperator<Scalar>::call(void const* x, void* y) const {
  int const failure = callback_.apply(callback_.user, callback_.stream, callback_.size, x, y);
  if (failure != 0)
    throw Failure(KYRTOS_ERROR_CALLBACK,
                  "the operator's function returned " + std::to_string(failure));
}

template <class Scalar>
void CallbackOperator<Scalar>::apply(Context<Space> const& context,
                                     VectorView<Scalar const, Space> x,
                                     VectorView<Scalar, Space> y) {
  if constexpr (compat::is_host_accessible<Space>) {
    context.fence("kyrtos::c::CallbackOperator");
    call(x.data(), y.data());
  } else if (callback_.memory == KYRTOS_DEVICE) {
    call(x.data(), y.data());
  } else {
    if (x_.size() == 0) {
      x_ = Staging("kyrtos::c::operator::x", x.size());
      y_ = Staging("kyrtos::c::operator::y", y.size());
    }
    Kokkos::deep_copy(context.space(), x_, x);
    context.fence("kyrtos::c::CallbackOperator");
    call(x_.data(), y_.data());
    Kokkos::deep_copy(context.space(), y, y_);
    context.fence("kyrtos::c::CallbackOperator");
  }
}

template <class Scalar>
BatchOperator<Scalar>::BatchOperator(std::shared_ptr<Model<Scalar>> model, kyrtos_matrix matrix,
                                     std::span<kyrtos_batch const> batches)
    : model_(std::move(model)),
      batches_(model_->context, model_->config.model, Use::copy),
      objective_(model_->context, model_->transformer, model_->parameters(),
                 model_->objective_options(true)),
      matrix_(objective_, matrix == KYRTOS_HESSIAN ? model::CurvatureMatrix::hessian
                                                   : model::CurvatureMatrix::gauss_newton) {
  batches_.add(batches);
  objective_.set_batches(batches_.all());
}

template class CallbackOperator<float>;
template class CallbackOperator<double>;
template class BatchOperator<float>;
template class BatchOperator<double>;

}  // namespace kyrtos::c

using namespace kyrtos;
using namespace kyrtos::c;

namespace {

template <class Scalar>
Either<Operator> operator_by(Context<Space> const& context,
                             std::unique_ptr<curvature::LinearOperator<Scalar, Space>> map) {
  return std::make_shared<Operator<Scalar>>(Operator<Scalar>{context, std::move(map)});
}

}  // namespace

kyrtos_status kyrtos_operator_create(kyrtos_context* context, int64_t size, kyrtos_type precision,
                                     kyrtos_memory memory, kyrtos_apply apply, void* user,
                                     kyrtos_operator** made) {
  return create(context, made, [&] {
    require_argument(size > 0, "the operator's size must be positive");
    require_argument(apply != nullptr, "the operator's function is NULL");
    require_argument(memory == KYRTOS_HOST || memory == KYRTOS_DEVICE,
                     "the operator's memory is none of kyrtos_memory");
    auto const& body = context->body();
    return in_precision(precision, [&](auto scalar) {
      using Scalar = decltype(scalar);
      typename CallbackOperator<Scalar>::Callback const callback{size, memory, apply, user,
                                                                 body.stream};
      return operator_by<Scalar>(body.context,
                                 std::make_unique<CallbackOperator<Scalar>>(callback));
    });
  });
}

kyrtos_status kyrtos_operator_of_model(kyrtos_model* model, kyrtos_matrix matrix,
                                       kyrtos_batch const* batches, int64_t count,
                                       kyrtos_operator** made) {
  return create(model, made, [&] {
    require_argument(matrix == KYRTOS_HESSIAN || matrix == KYRTOS_GAUSS_NEWTON,
                     "the matrix is none of kyrtos_matrix");
    auto const size = static_cast<std::size_t>(std::max<int64_t>(count, 0));
    return std::visit(
        [&]<class Scalar>(std::shared_ptr<Model<Scalar>> const& m) {
          return operator_by<Scalar>(m->context, std::make_unique<BatchOperator<Scalar>>(
                                                     m, matrix, std::span(batches, size)));
        },
        model->body());
  });
}

kyrtos_status kyrtos_operator_precondition(kyrtos_operator* inner, kyrtos_array const* diagonal,
                                           kyrtos_operator** made) {
  return create(inner, made, [&] {
    require_argument(diagonal != nullptr, "the array of the diagonal is NULL");
    return std::visit(
        [&]<class Scalar>(std::shared_ptr<Operator<Scalar>> const& op) {
          auto const view = in_place<Scalar>(*diagonal, {"diagonal", {op->map->size()}});
          return operator_by<Scalar>(op->context,
                                     std::make_unique<ScaledOperator<Scalar>>(op, view));
        },
        inner->body());
  });
}

kyrtos_status kyrtos_operator_apply(kyrtos_operator* handle, kyrtos_array const* x,
                                    kyrtos_array const* y) {
  return with(handle, [&]<class Scalar>(Operator<Scalar>& op) {
    std::optional<Input<Scalar>> in;
    std::optional<Output<Scalar>> out;
    agreed(op.context.communicator(), [&] {
      require_argument(x != nullptr && y != nullptr, "the array x or y is NULL");
      in.emplace(op.context, *x, Expected{"x", {op.map->size()}});
      out.emplace(op.context, *y, Expected{"y", {op.map->size()}});
    });
    op.map->apply(op.context, in->view(), out->view());
    out->finish(op.context);
  });
}

char const* kyrtos_operator_error(kyrtos_operator const* op) {
  return op == nullptr ? "the operator is NULL" : op->error();
}

void kyrtos_operator_destroy(kyrtos_operator* op) {
  delete op;
}
