// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/run_training.hpp>
#include <kyrtos/train/stored_preconditioner.hpp>

#include "hugging_face_folder.hpp"
#include "model.hpp"

using namespace kyrtos;
using namespace kyrtos::c;

namespace {

template <class Scalar>
std::shared_ptr<Model<Scalar>> load(Context<Space> const& context, std::string const& path) {
  if (is_hugging_face_folder(path)) return load_hugging_face<Scalar>(context, path);
  io::CheckpointReader const file(context.communicator(), train::find_checkpoint(path));
  auto model = std::make_shared<Model<Scalar>>(
      context, train::parse_config(file.text().config, file.path()), file.text().state);
  file.read<Scalar, Space>(context, "parameters", model->layout(), model->theta());
  model->checkpoint = file.path();
  return model;
}

/// The caller's batch, as one of a list.
template <class Scalar>
Batches<Scalar> batch_for(Model<Scalar> const& model, kyrtos_batch const* batch) {
  Batches<Scalar> batches(model.context, model.config.model);
  batches.add({batch, 1});
  return batches;
}

}  // namespace

kyrtos_status kyrtos_model_create(kyrtos_context* context, char const* config,
                                  kyrtos_type precision, kyrtos_model** made) {
  return create(context, made, [&] {
    require_argument(config != nullptr, "the configuration's text is NULL");
    auto const settings = train::parse_config(config, "configuration");
    return in_precision(precision, [&](auto scalar) -> Either<Model> {
      return std::make_shared<Model<decltype(scalar)>>(context->body().context, settings);
    });
  });
}

kyrtos_status kyrtos_model_load(kyrtos_context* context, char const* path, kyrtos_type precision,
                                kyrtos_model** made) {
  return create(context, made, [&] {
    require_argument(path != nullptr, "the checkpoint's path is NULL");
    return in_precision(precision, [&](auto scalar) -> Either<Model> {
      return load<decltype(scalar)>(context->body().context, path);
    });
  });
}

kyrtos_status kyrtos_model_save(kyrtos_model* handle, char const* path) {
  return with(handle, [&]<class Scalar>(Model<Scalar>& model) {
    require_argument(path != nullptr, "the checkpoint's path is NULL");
    io::write_checkpoint<Scalar, Space>(model.context, path,
                                        {train::to_toml(model.config), model.state}, model.layout(),
                                        {{"parameters", model.theta()}});
  });
}

char const* kyrtos_model_error(kyrtos_model const* model) {
  return model == nullptr ? "the model is NULL" : model->error();
}

void kyrtos_model_destroy(kyrtos_model* model) {
  delete model;
}

kyrtos_status kyrtos_model_initialize(kyrtos_model* handle, uint64_t seed) {
  return with(handle, [&](auto& model) {
    model.transformer.initialize(model.context, seed, model.theta());
    model.context.fence("kyrtos_model_initialize");
  });
}

kyrtos_status kyrtos_model_size(kyrtos_model* handle, int64_t* size) {
  return with(handle, [&](auto& model) {
    require_argument(size != nullptr, "the place for the size is NULL");
    *size = model.size();
  });
}

kyrtos_status kyrtos_model_segment(kyrtos_model* handle, char const* name, int64_t* offset,
                                   int64_t* size) {
  return with(handle, [&](auto& model) {
    require_argument(name != nullptr && offset != nullptr && size != nullptr,
                     "the segment's name, or the place for its offset or size, is NULL");
    auto const& segment = model.layout().find(name);
    *offset = segment.offset;
    *size = segment.size;
  });
}

kyrtos_status kyrtos_model_segment_at(kyrtos_model* handle, int64_t number,
                                      kyrtos_segment* segment) {
  return with(handle, [&](auto& model) {
    require_argument(segment != nullptr, "the place for the segment is NULL");
    require_argument(number >= 0, "the segment's number is negative");
    auto const& segments = model.layout().segments();
    *segment = {};
    if (number >= static_cast<Index>(segments.size())) return;
    auto const& found = segments[static_cast<std::size_t>(number)];
    segment->name = found.name.c_str();
    segment->offset = found.offset;
    segment->size = found.size;
    segment->rank = static_cast<int64_t>(found.shape.size());
    std::copy(found.shape.begin(), found.shape.end(), segment->extents);
  });
}

kyrtos_status kyrtos_model_config(kyrtos_model* handle, char const** config) {
  return with(handle, [&](auto& model) {
    require_argument(config != nullptr, "the place for the configuration's text is NULL");
    if (model.config_text.empty()) model.config_text = train::to_toml(model.config);
    *config = model.config_text.c_str();
  });
}

kyrtos_status kyrtos_model_get_parameters(kyrtos_model* handle, kyrtos_array const* parameters) {
  return with(handle, [&]<class Scalar>(Model<Scalar>& model) {
    require_argument(parameters != nullptr, "the array of parameters is NULL");
    check_array(*parameters, {"parameters", {model.size()}});
    scatter<Scalar>(model.context, model.theta(), *parameters);
  });
}

kyrtos_status kyrtos_model_set_parameters(kyrtos_model* handle, kyrtos_array const* parameters) {
  return with(handle, [&]<class Scalar>(Model<Scalar>& model) {
    require_argument(parameters != nullptr, "the array of parameters is NULL");
    check_array(*parameters, {"parameters", {model.size()}});
    gather<Scalar>(model.context, *parameters, model.theta());
    model.context.fence("kyrtos_model_set_parameters");
  });
}

kyrtos_status kyrtos_model_use_parameters(kyrtos_model* handle, kyrtos_array const* parameters) {
  return with(handle, [&](auto& model) {
    require_argument(parameters != nullptr, "the array of parameters is NULL");
    model.use_parameters(*parameters);
  });
}

kyrtos_status kyrtos_model_preconditioner(kyrtos_model* handle, kyrtos_array const* diagonal) {
  return with(handle, [&]<class Scalar>(Model<Scalar>& model) {
    auto const& context = model.context;
    std::optional<Output<Scalar>> out;
    agreed(context.communicator(), [&] {
      require_argument(diagonal != nullptr, "the array for the diagonal is NULL");
      require_argument(!model.checkpoint.empty(),
                       "the model comes from no checkpoint, which would have Adam's second moment");
      out.emplace(context, *diagonal, Expected{"diagonal", {model.size()}});
    });
    io::CheckpointReader const file(context.communicator(), model.checkpoint);
    auto const v = allocate<Scalar>(context, "c::second_moment", model.size());
    train::stored_preconditioner<Scalar, Space>(context, file, model.config, model.layout(), v)
        .inverse_root(context, out->view());
    out->finish(context);
  });
}

kyrtos_status kyrtos_model_loss(kyrtos_model* handle, kyrtos_batch const* batch, double* loss) {
  return with(handle, [&](auto& model) {
    require_argument(loss != nullptr, "the place for the loss is NULL");
    auto const batches = batch_for(model, batch);
    *loss = model.objective(batches).loss();
  });
}

kyrtos_status kyrtos_model_gradient(kyrtos_model* handle, kyrtos_batch const* batch, double* loss,
                                    kyrtos_array const* gradient) {
  return with(handle, [&]<class Scalar>(Model<Scalar>& model) {
    auto const& context = model.context;
    std::optional<Output<Scalar>> out;
    agreed(context.communicator(), [&] {
      require_argument(gradient != nullptr, "the array for the gradient is NULL");
      out.emplace(context, *gradient, Expected{"gradient", {model.size()}});
    });
    auto const batches = batch_for(model, batch);
    double const value = model.objective(batches).gradient(out->view());
    if (loss != nullptr) *loss = value;
    out->finish(context);
  });
}

kyrtos_status kyrtos_model_hvp(kyrtos_model* handle, kyrtos_batch const* batch,
                               kyrtos_array const* u, kyrtos_array const* hu, double* loss,
                               kyrtos_array const* gradient) {
  return with(handle, [&]<class Scalar>(Model<Scalar>& model) {
    auto const& context = model.context;
    std::vector<Index> const size{model.size()};
    std::optional<Input<Scalar>> direction;
    std::optional<Output<Scalar>> product, first;
    agreed(context.communicator(), [&] {
      require_argument(u != nullptr && hu != nullptr, "the array u or hu is NULL");
      direction.emplace(context, *u, Expected{"u", size});
      product.emplace(context, *hu, Expected{"hu", size});
      if (gradient != nullptr) first.emplace(context, *gradient, Expected{"gradient", size});
    });
    auto const batches = batch_for(model, batch);
    auto& objective = model.objective(batches);
    auto const value =
        first ? objective.gradient_and_hvp(direction->view(), first->view(), product->view())
              : objective.hvp(direction->view(), product->view());
    if (loss != nullptr) *loss = value.loss;
    product->finish(context);
    if (first) first->finish(context);
  });
}

kyrtos_status kyrtos_model_outputs(kyrtos_model* handle, kyrtos_array const* inputs,
                                   kyrtos_array const* outputs) {
  return with(handle, [&]<class Scalar>(Model<Scalar>& model) {
    require_argument(inputs != nullptr && outputs != nullptr, "the inputs or outputs are NULL");
    auto const& c = model.config.model;
    Batches<Scalar> batches(model.context, c);
    auto const batch = batches.inputs(*inputs);
    Index const features = c.continuous() ? c.output_features : c.vocabulary;
    Output<Scalar> const out(model.context, *outputs,
                             {"outputs", {batch.shape.batch, batch.shape.length, features}});
    if (batch.shape.tokens() == 0) return;
    model.transformer.outputs(model.objective().workspace_for(batch.shape, false), model.theta(),
                              batch, 0, as_matrix(out.view(), 0, batch.shape.tokens(), features));
    out.finish(model.context);
  });
}
