// The functions behind the table in commands.c, each in the file of its name.
#ifndef GLOBE_CLI_COMMANDS_H
#define GLOBE_CLI_COMMANDS_H

int command_eval(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_bench_train(int argc, char **argv);
int command_bench_grpo(int argc, char **argv); // where globe can train
int command_bench_decode(int argc, char **argv);
int command_help(int argc, char **argv);
int command_init(int argc, char **argv);
int command_inspect(int argc, char **argv);
int command_gazetteer(int argc, char **argv);
int command_left_out(int argc, char **argv); // for commands that this build does without
int command_locate(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_postcards(int argc, char **argv);
int command_report(int argc, char **argv);
int command_score(int argc, char **argv);
int command_tokenize(int argc, char **argv);
int command_tokenizer(int argc, char **argv);
int command_train(int argc, char **argv);
int command_version(int argc, char **argv);

#endif
