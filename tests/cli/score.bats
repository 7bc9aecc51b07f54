#!/usr/bin/env bats
# globe score: what rewards say of completions.

# shellcheck disable=SC2154 # bats sets status, output, stderr

load common

setup() {
    cd "$BATS_TEST_TMPDIR" || exit 1
    cat >rows.jsonl <<'END'
{"images":["a.jpg"],"country":"Germany","city":"Cologne","lat":50.9375,"lon":6.9603,"completions":["<think>It must be Köln.</think><answer>country: Deutschland\ncity: Köln</answer>","<think>It must be Paris.</think><answer>country: Germany\ncity: Munich</answer>"]}
{"images":["b.jpg"],"country":"France","city":"Paris","completions":[{"text":"<think>a b a b a b</think>","completion_ids":[5,6,7,8],"finish_reason":"length"},"<think>a</think><answer>country: France\ncity: Paris</answer>"]}
END
}

@test "a table, a summary, and every completion" {
    globe 0 score rows.jsonl --rewards 'format:weight=0.5;accuracy'
    [[ $output == *"2 rows, 4 completions"* ]]
    [[ $output == *"accuracy"* && $output == *"no spread"* ]]
    globe 0 score rows.jsonl --rewards 'format:weight=0.5' --rewards accuracy --json --consistency
    jq -e '.completions == 4 and .rewards.format.mean == 0.75 and .rewards.format.weight == 0.5
        and .rewards.accuracy.mean == 0.55 and .rewards.accuracy.frac_zero_std == 0
        and .reward.applies == 4 and .consistency.contradictions == 1 and .consistency.reasonings == 4' <<<"$output"
    globe 0 score rows.jsonl --rewards 'format:weight=0.5;accuracy' --each
    jq -es 'map(.reward) == [1.5, 0.7, 0, 1.5]' <<<"$output"
    jq -es '.[3].row == "rows.jsonl:2" and .[3].completion == 1 and .[0].rewards.accuracy == 1' <<<"$output"
    globe 0 score rows.jsonl --rewards accuracy --limit 1 --json
    jq -e '.rows == 1 and .completions == 2' <<<"$output"
}

@test "what rows carry: answers of conversations, tokens, p(yes)" {
    cat >own.jsonl <<'END'
{"images":["a.jpg"],"solution":"<country>France</country><city>Paris</city>","response":"A tower."}
{"image":"b.jpg","messages":[{"role":"user","content":"Where?"},{"role":"assistant","content":"country: Spain"}],"country":"Spain"}
{"prompt":"Where?","completion":"country: Peru","country":"Peru"}
END
    globe 0 score own.jsonl --rewards 'accuracy;format' --each
    jq -es 'map([.rewards.accuracy, .rewards.format]) == [[1,1],[1,0],[1,0]]' <<<"$output"
    globe 3 score rows.jsonl --rewards 'soft_overlong:soft_max_length=4,soft_cache_length=2'
    [[ $stderr == *"soft_overlong: completion 0: its tokens are not known"* ]]
    globe 0 score rows.jsonl --mask --max-completion-length 4 --rewards 'soft_overlong:soft_cache_length=2;format' --each
    jq -es '.[2].rewards.soft_overlong == -1 and .[0].rewards.soft_overlong == null and .[0].masked
        and .[0].reward == null and .[2].masked == false' <<<"$output"
    echo '{"image":"a","completions":[{"text":"country: France","locatability":0.25}]}' >yes.jsonl
    globe 0 score yes.jsonl --rewards locatability --json
    jq -e '.rewards.locatability.mean == 0.25' <<<"$output"
    globe 3 score yes.jsonl --rewards accuracy
    [[ $stderr == *"its row says nothing of the picture's place"* ]]
}

@test "the examples of rewards of one's own" {
    globe 0 score rows.jsonl --each --rewards "process:command=$GLOBE_SOURCE_DIR/examples/rewards/names_city.sh"
    jq -es 'map(.rewards.process) == [0, 0, 0, 1]' <<<"$output"
    globe 0 score rows.jsonl --json --rewards \
        "plugin:path=$GLOBE_BUILD_DIR/example_few_sentences.so,options=\"most=1\",name=few;process:command=$GLOBE_SOURCE_DIR/examples/rewards/names_city.sh,name=city"
    jq -e '.rewards.few.mean == 1 and .rewards.few.applies == 3 and .rewards.city.mean == 0.25' <<<"$output"
    globe 8 score rows.jsonl --rewards 'process:command=exit 4'
    [[ $stderr == *"ended with status 4"* ]]
    globe 8 score rows.jsonl --rewards 'process:check=false,command=exit 4'
    globe 0 score rows.jsonl --json --rewards 'process:check=false,failure=mask,command=exit 4;format'
    jq -e '.rewards.process.failed == 4 and .rewards.process.mean == null and .reward.applies == 0' <<<"$output"
}

@test "mistakes" {
    globe 2 score rows.jsonl
    [[ $stderr == *"--rewards SPEC"* ]]
    globe 2 score --rewards format
    [[ $stderr == *"no FILE"* ]]
    globe 2 score rows.jsonl --rewards acuracy
    [[ $stderr == *"did you mean accuracy"* ]]
    globe 3 score none.jsonl --rewards format
    echo '{"image":"a","completions":[]}' >bad.jsonl
    globe 3 score bad.jsonl --rewards format
    [[ $stderr == *"bad.jsonl:1"*"a list of 1 to"* ]]
    echo '{"image":"a","messages":[{"role":"user","content":"Where?"}]}' >bad.jsonl
    globe 3 score bad.jsonl --rewards format
    [[ $stderr == *"nothing to score"* ]]
    echo '{"image":"a","country":"Peru","lat":99,"lon":0,"completions":["x"]}' >bad.jsonl
    globe 3 score bad.jsonl --rewards format
    [[ $stderr == *"lat"* ]]
}

@test "the list of rewards" {
    globe 0 score --list
    [[ $output == *"accuracy"*"scale_km=200"* && $output == *"repetition_n_grams=3"* ]]
    # Each has its section in the documentation.
    while read -r name; do
        grep -Eq "^## .*\\b$name\\b" "$GLOBE_SOURCE_DIR"/docs/rewards.md || { echo "$name"; return 1; }
    done < <(sed -n 's/^\([a-z_]*\)  .*/\1/p' <<<"$output")
}
