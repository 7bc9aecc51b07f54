#!/bin/sh
# A reward as a co-process, in POSIX sh and jq (Debian: jq): 1 where the completion names the city of its row, 0 where it
# does not, and no number for rows without a city.
#     globe score rows.jsonl --rewards 'process:command=examples/rewards/names_city.sh'
# Each question is one line of JSON with a list for every field: prompts, completions, completion_ids, truncated, and every
# column of the data set. Each answer is one line, too, with as many rewards; null means "does not apply".
exec jq --unbuffered -c '
    . as $question
    | {id, rewards: [range(.completions | length) as $i
        | ($question.completions[$i] | ascii_downcase) as $text
        | ($question.city // [])[$i] as $city
        | if $city == null or $city == "unknown" then null
          elif $text | contains($city | ascii_downcase) then 1
          else 0 end]}'
