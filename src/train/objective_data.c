#include "train/objective_data.h"

// Only a reward model's rows are made from others.
static struct reward_rows rows_of_reward(const struct recipe *recipe) {
    return (struct reward_rows){.on = recipe->use == RECIPE_REWARD,
                                .swapped = recipe->judge.swapped,
                                .as = (enum reward_swapped_as)recipe->judge.swapped_as,
                                .seed = recipe->run.seed};
}

int objective_data_open(struct objective_data *data, const struct objective_parts *parts, size_t answer,
                        struct error *error) {
    const struct recipe_data *recipe = &parts->recipe->data;
    size_t context = model_facts(parts->model)->context;
    const struct dataset_options options = {.max_length =
                                                recipe->max_length < context ? recipe->max_length : context,
                                            .too_long = (enum recipe_too_long)recipe->too_long,
                                            .bad_rows = (enum recipe_bad_rows)recipe->bad_rows,
                                            .answer = answer,
                                            .reward = rows_of_reward(parts->recipe)};
    const struct setting_list *const lists[] = {&recipe->train, &recipe->eval};
    data->parts = parts;
    for (size_t set = 0; set < OBJECTIVE_SETS; set++) {
        if (set == OBJECTIVE_EVAL && lists[set]->count == 0) continue;
        data->sets[set] = dataset_open(lists[set]->items, lists[set]->count, &options, parts->model, error);
        if (!data->sets[set]) return -1;
    }
    return 0;
}

void objective_data_close(struct objective_data *data) {
    for (size_t set = 0; set < OBJECTIVE_SETS; set++) feed_stop(&data->feeds[set]);
    for (size_t set = 0; set < OBJECTIVE_SETS; set++) {
        features_close(data->features[set]);
        dataset_close(data->sets[set]);
    }
    *data = (struct objective_data){0};
}

int objective_data_ready(struct objective_data *data, const struct training *training, struct error *error) {
    const struct recipe_data *recipe = &data->parts->recipe->data;
    size_t limit = (size_t)recipe->feature_cache_mb << 20;
    for (size_t set = 0; set < OBJECTIVE_SETS; set++) {
        bool own = data->sets[set] != NULL; // held-out rows are rows of the first
        struct feed *feed = &data->feeds[set];
        *feed = (struct feed){.dataset = data->sets[own ? set : OBJECTIVE_TRAIN],
                              .model = data->parts->model,
                              .threads = (size_t)recipe->loaders};
        if (training_has_vision(training)) continue;
        if (own) {
            data->features[set] =
                features_open(dataset_count(feed->dataset), set == OBJECTIVE_EVAL ? limit / 8 : limit, error);
            if (!data->features[set]) return -1;
        }
        feed->features = data->features[own ? set : OBJECTIVE_TRAIN];
    }
    return 0;
}

size_t objective_data_rows(const struct objective_data *data, enum objective_set set) {
    return data->sets[set] ? dataset_count(data->sets[set]) : 0;
}

uint64_t objective_data_identity(const struct objective_data *data, enum objective_set set) {
    return data->sets[set] ? dataset_identity(data->sets[set]) : 0;
}

static size_t longest(const struct dataset *dataset, size_t (*measure)(const struct dataset *, size_t)) {
    size_t most = 0;
    for (size_t i = 0; i < dataset_count(dataset); i++) {
        size_t value = measure(dataset, i);
        if (value > most) most = value;
    }
    return most;
}

struct objective_need objective_data_need(const struct objective_data *data, size_t rows) {
    const struct dataset *set = data->sets[OBJECTIVE_TRAIN];
    size_t patches = longest(set, dataset_patches),
           limit = (size_t)data->parts->recipe->data.feature_cache_mb << 20;
    const struct model_facts *facts = model_facts(data->parts->model);
    size_t all = patches / facts->patches_per_token * dataset_count(set) * facts->hidden * sizeof(float);
    return (struct objective_need){.tokens = rows * longest(set, dataset_tokens),
                                   .patches = rows * patches,
                                   .features = all < limit ? all : limit};
}
