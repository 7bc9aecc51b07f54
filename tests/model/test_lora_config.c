// adapter_config.json: every way in which an adapter is more than LoRA is refused by name.
#include "support.h"

#include <math.h>
#include <string.h>

#include "model/lora_config.h"

static int parse(struct lora_config *config, const char *text, struct warnings *warnings,
                 struct error *error) {
    return lora_config_parse(config, text, strlen(text), "adapter_config.json", warnings, error);
}

static void what_is_more_than_lora_is_refused(void **state) {
    (void)state;
    static const char *const refused[][2] = {
        {"\"init_lora_weights\": \"pissa\"", "\"init_lora_weights\" is \"pissa\""},
        {"\"init_lora_weights\": \"pissa_niter_16\"", "pissa_niter_16"},
        {"\"init_lora_weights\": \"olora\"", "olora"},
        {"\"init_lora_weights\": \"corda\"", "corda"},
        {"\"init_lora_weights\": \"lora_ga\"", "lora_ga"},
        {"\"init_lora_weights\": \"loftq\"", "loftq"},
        {"\"init_lora_weights\": \"what comes next\"", "what comes next"},
        {"\"init_lora_weights\": {\"x\": 1}", "init_lora_weights"},
        {"\"use_dora\": true", "\"use_dora\" is not supported (DoRA)"},
        {"\"use_qalora\": true", "QA-LoRA"},
        {"\"lora_bias\": true", "lora_bias"},
        {"\"fan_in_fan_out\": true", "fan_in_fan_out"},
        {"\"alora_invocation_tokens\": [1, 2]", "activated LoRA"},
        {"\"modules_to_save\": [\"lm_head\"]", "modules_to_save"},
        {"\"trainable_token_indices\": [5]", "trainable_token_indices"},
        {"\"trainable_token_indices\": {\"embed_tokens\": [5]}", "trainable_token_indices"},
        {"\"target_parameters\": [\"experts.w\"]", "target_parameters"},
        {"\"layer_replication\": [[0, 4], [2, 5]]", "layer_replication"},
        {"\"megatron_config\": {\"a\": 1}", "megatron_config"},
        {"\"arrow_config\": {\"a\": 1}", "arrow_config"},
        {"\"bias\": \"lora_only\"", "\"bias\" is \"lora_only\""},
        {"\"peft_type\": \"LOHA\"", "LOHA"},
        {"\"peft_type\": \"VERA\"", "VERA"},
        {"\"peft_type\": \"PROMPT_TUNING\"", "PROMPT_TUNING"},
        {"\"use_magic\": true", "\"use_magic\" is not known here, and it is set"},
        {"\"magic_config\": {\"depth\": 3}", "magic_config"},
        {"\"rank_pattern\": [4]", "\"rank_pattern\" is not an object"},
        {"\"rank_pattern\": {\"q_proj\": 0}", "\"q_proj\" is 0, expected 1 to 65536"},
        {"\"rank_pattern\": {\"q_proj\": 2.5}", "is not a number"},
        {"\"alpha_pattern\": {\"(\": 1}", "no expression"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct error error = {0};
        struct lora_config config;
        char text[200];
        snprintf(text, sizeof text, "{\"r\": 4, %s}", refused[i][0]);
        assert_error(parse(&config, text, NULL, &error), error, ERROR_MODEL, refused[i][1]);
        assert_non_null(strstr(error.message, "adapter_config.json"));
    }
}

static void what_peft_writes_by_default_is_read(void **state) {
    (void)state;
    static const char text[] =
        "{\"alora_invocation_tokens\": null, \"alpha_pattern\": {}, \"arrow_config\": null, "
        "\"auto_mapping\": null,"
        "\"base_model_name_or_path\": \"Qwen/Qwen2.5-VL-7B-Instruct\", \"bias\": \"none\", \"corda_config\": "
        "null,"
        "\"ensure_weight_tying\": false, \"eva_config\": null, \"exclude_modules\": null, "
        "\"fan_in_fan_out\": false,"
        "\"inference_mode\": true, \"init_lora_weights\": true, \"layer_replication\": null, "
        "\"layers_pattern\": null,"
        "\"layers_to_transform\": null, \"loftq_config\": {}, \"lora_alpha\": 32, \"lora_bias\": false,"
        "\"lora_dropout\": 0.05, \"megatron_config\": null, \"megatron_core\": \"megatron.core\","
        "\"modules_to_save\": null, \"peft_type\": \"LORA\", \"peft_version\": \"0.18.0\", "
        "\"qalora_group_size\": 16,"
        "\"r\": 16, \"rank_pattern\": {}, \"revision\": null, \"target_modules\": [\"q_proj\", \"v_proj\"],"
        "\"target_parameters\": null, \"task_type\": \"CAUSAL_LM\", \"trainable_token_indices\": null,"
        "\"use_dora\": false, \"use_qalora\": false, \"use_rslora\": true, \"a_new_switch\": false}";
    struct error error = {0};
    struct warnings warnings = {0};
    struct lora_config config;
    assert_ok(parse(&config, text, &warnings, &error), error);
    assert_string_equal(warnings.lines, "");
    assert_int_equal(config.rank, 16);
    assert_true(config.rs);
    assert_string_equal(config.base, "Qwen/Qwen2.5-VL-7B-Instruct");
    lora_config_free(&config);
    static const char *const harmless[] = {"true",           "false",   "\"gaussian\"",
                                           "\"orthogonal\"", "\"eva\"", "null"};
    for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++) {
        char start[80];
        snprintf(start, sizeof start, "{\"init_lora_weights\": %s, \"shade\": 3}", harmless[i]);
        warnings = (struct warnings){0};
        assert_ok(parse(&config, start, &warnings, &error), error);
        assert_string_equal(warnings.lines,
                            "adapter_config.json: not known here, and not honoured: \"shade\"");
        lora_config_free(&config);
    }
}

static void patterns_and_targets_are_peft_s(void **state) {
    (void)state;
    struct error error = {0};
    struct lora_config config;
    static const char q0[] = "model.layers.0.self_attn.q_proj", q12[] = "model.layers.12.self_attn.q_proj";
    assert_ok(parse(&config,
                    "{\"r\": 8, \"lora_alpha\": 16, \"rank_pattern\": {\"layers.0.self_attn.q_proj\": 2, "
                    "\"q_proj\": 4},"
                    "\"alpha_pattern\": {\"proj\": 1, \"layers\\\\.\\\\d+\\\\.self_attn\\\\.q_proj\": 32},"
                    "\"target_modules\": [\"q_proj\"], \"layers_to_transform\": [1, 12], \"layers_pattern\": "
                    "\"layers\"}",
                    NULL, &error),
              error);
    assert_int_equal(lora_config_rank(&config, q0, q0), 2);
    assert_int_equal(lora_config_rank(&config, q12, q12), 4);
    assert_int_equal(lora_config_rank(&config, "model.layers.0.mlp.up_proj", ""), 8);
    assert_true(lora_config_alpha(&config, q0, q0) == 32);
    assert_true(lora_config_alpha(&config, "model.layers.0.mlp.up_proj", "") ==
                16); // "proj" is no whole part
    assert_false(lora_config_targets(&config, q0));
    assert_true(lora_config_targets(&config, q12));
    assert_false(lora_config_targets(&config, "model.layers.1.self_attn.k_proj"));
    lora_config_free(&config);
    assert_ok(
        parse(
            &config,
            "{\"target_modules\": \"(?!.*visual).*\\\\.(q_proj|o_proj)\", \"exclude_modules\": [\"o_proj\"]}",
            NULL, &error),
        error);
    assert_true(lora_config_targets(&config, q0));
    assert_false(lora_config_targets(&config, "model.layers.0.self_attn.o_proj"));
    assert_false(lora_config_targets(&config, "visual.blocks.0.q_proj"));
    lora_config_free(&config);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_more_than_lora_is_refused),
        cmocka_unit_test(what_peft_writes_by_default_is_read),
        cmocka_unit_test(patterns_and_targets_are_peft_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
