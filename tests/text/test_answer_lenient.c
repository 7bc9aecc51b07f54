// What a person would read in a completion: a table of completions as models write them.
#include "support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/answer.h"

static struct error error;

struct expected {
    const char *text, *country, *city;
    bool declined;
};

static int check(const struct expected *expected, size_t count, enum answer_rules rules) {
    int wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct answer answer;
        assert_ok(answer_parse(&answer, expected[i].text, strlen(expected[i].text), rules, &error), error);
        if (strcmp(answer.country, expected[i].country) || strcmp(answer.city, expected[i].city) ||
            answer.declined != expected[i].declined) {
            print_error("%s\n  -> \"%s\", \"%s\"%s, expected \"%s\", \"%s\"%s\n", expected[i].text,
                        answer.country, answer.city, answer.declined ? " declined" : "", expected[i].country,
                        expected[i].city, expected[i].declined ? " declined" : "");
            wrong++;
        }
        answer_free(&answer);
    }
    return wrong;
}
#define CHECK_AS(table, rules) assert_int_equal(check(table, sizeof(table) / sizeof *(table), rules), 0)
#define CHECK(table) CHECK_AS(table, ANSWER_LENIENT)

static void in_tags(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"<think>x</think><answer>country: France\ncity: Paris</answer>", "France", "Paris", false},
        {"<think>x</think><answer>city: Paris\ncountry: France</answer>", "France", "Paris", false},
        {"<think>x</think>\n\n<answer>\nCountry: France\nCity: Paris\n</answer>\n", "France", "Paris", false},
        {"<answer>COUNTRY: France\nCITY: Paris</answer>", "France", "Paris", false},
        {"<Answer>country: France\ncity: Paris</ANSWER>", "France", "Paris", false},
        {"<answer>country: France, city: Paris</answer>", "France", "Paris", false},
        {"<answer>country: France; city: Paris</answer>", "France", "Paris", false},
        {"<answer>Country: France | City: Paris</answer>", "France", "Paris", false},
        {"<answer>country: France city: Paris</answer>", "France city: Paris", "", false},
        {"<answer>**Country:** France\n**City:** Paris</answer>", "France", "Paris", false},
        {"<answer>**Country**: France\n**City**: Paris</answer>", "France", "Paris", false},
        {"<answer>- **Country:** **France**\n- **City:** **Paris**</answer>", "France", "Paris", false},
        {"<answer>* Country: France\n* City: Paris</answer>", "France", "Paris", false},
        {"<answer>1. Country: France\n2. City: Paris</answer>", "France", "Paris", false},
        {"<answer>\xE2\x80\xA2 country: France\n\xE2\x80\xA2 city: Paris</answer>", "France", "Paris", false},
        {"<answer>country - France\ncity - Paris</answer>", "France", "Paris", false},
        {"<answer>Country \xE2\x80\x93 France\nCity \xE2\x80\x94 Paris</answer>", "France", "Paris", false},
        {"<answer>country = France\ncity = Paris</answer>", "France", "Paris", false},
        {"<answer>country: \"France\"\ncity: 'Paris'.</answer>", "France", "Paris", false},
        {"<answer>country: \xE2\x80\x9C"
         "France\xE2\x80\x9D\ncity: \xC2\xABParis\xC2\xBB</answer>",
         "France", "Paris", false},
        {"<answer>country: France.\ncity: Paris!</answer>", "France", "Paris", false},
        {"<answer>country: [France]\ncity: [Paris]</answer>", "France", "Paris", false},
        {"<answer>country:\nFrance\ncity:\nParis</answer>", "France", "Paris", false},
        {"<answer>**Country:**\nFrance\n\n**City:**\nParis</answer>", "France", "Paris", false},
        {"<answer>country:\ncity: Paris</answer>", "", "Paris", false},
        {"<answer>### Country: France\n### City: `Paris`</answer>", "France", "Paris", false},
        {"<answer>\xF0\x9F\x87\xAB\xF0\x9F\x87\xB7 Country: \xF0\x9F\x87\xAB\xF0\x9F\x87\xB7 France\nCity: "
         "Paris \xF0\x9F\x97\xBC</answer>",
         "France", "Paris", false},
        {"<answer><country>France</country><city>Paris</city></answer>", "France", "Paris", false},
        {"<answer><b>Country:</b> France<br>\n<b>City:</b> <i>Paris</i></answer>", "France", "Paris", false},
        {"<answer>| Country | City |\n|---|---|\n</answer>", "", "", false},
        {"<answer>| Country | France |\n| City | Paris |</answer>", "France", "Paris", false},
        {"<answer>country name: France\ncity name: Paris</answer>", "France", "Paris", false},
        {"<answer>The country: France\nMost likely city: Paris</answer>", "France", "Paris", false},
        {"<answer>Country (most likely): France (90% confidence)\nCity: Paris (possibly Lyon)</answer>",
         "France", "Paris", false},
        {"<answer>country: France\ncity: Paris", "France", "Paris", false}, // cut off
        {"<answer>country: France\ncity: Pa", "France", "Pa", false},
        {"<answer>country: France\ncity:", "France", "", false},
        {"<answer>\r\ncountry: France\r\ncity: Paris\r\n</answer>\r\n", "France", "Paris", false},
        {"<answer>Paris, France</answer>", "France", "Paris", false},
        {"<answer>Paris, \xC3\x8Ele-de-France, France</answer>", "France", "Paris", false},
        {"<answer>Paris (France)</answer>", "France", "Paris", false},
        {"<answer>France\nParis</answer>", "France", "Paris", false},
        {"<answer>France</answer>", "France", "", false},
        {"<answer>country: France\ncity: Paris, France</answer>", "France", "Paris", false},
        {"<answer>city: Paris, France</answer>", "France", "Paris", false},
        {"<answer>country: United States\ncity: Washington, D.C.</answer>", "United States",
         "Washington, D.C.", false},
        {"<answer>country: U.S.A.\ncity: St. Louis</answer>", "U.S.A.", "St. Louis", false},
        {"<answer>country: Netherlands\ncity: 's-Hertogenbosch</answer>", "Netherlands", "'s-Hertogenbosch",
         false},
        {"<answer>country: C\xC3\xB4te d'Ivoire\ncity: Grand-Bassam</answer>", "C\xC3\xB4te d'Ivoire",
         "Grand-Bassam", false},
        {"<answer>country: Congo (Kinshasa)\ncity: Kinshasa</answer>", "Congo (Kinshasa)", "Kinshasa", false},
        {"<answer>country: Guinea-Bissau\ncity: Bissau</answer>", "Guinea-Bissau", "Bissau", false},
        {"<answer>country: Mexico\ncity: Mexico City</answer>", "Mexico", "Mexico City", false},
        {"<answer>country: France. The signs are in French.\ncity: Paris - because of the tower</answer>",
         "France", "Paris", false},
        {"<answer></answer><answer>country: France\ncity: Paris</answer>", "France", "Paris", false},
        {"<answer>country: Spain</answer> No, wait. <answer>country: France\ncity: Paris</answer>", "France",
         "Paris", false},
        {"<answer>country: France\ncity: Paris\ncity: Lyon</answer>", "France", "Paris", false},
    };
    CHECK(table);
}

static void without_tags(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"country: France\ncity: Paris", "France", "Paris", false},
        {"Country: France, City: Paris", "France", "Paris", false},
        {"The roofs look French.\n\nCountry: France\nCity: Paris", "France", "Paris", false},
        {"country: Spain? No.\nFinally:\ncountry: France\ncity: Paris", "France", "Paris", false},
        {"country: France\ncity: Paris\n\nI am fairly sure about this.", "France", "Paris", false},
        {"<think>country: Spain\ncity: Madrid</think>country: France\ncity: Paris", "France", "Paris", false},
        {"The format is country: [country name] and city: [city name].\ncountry: France\ncity: Paris",
         "France", "Paris", false},
        {"Final answer: Paris, France", "France", "Paris", false},
        {"**Final Answer:** Paris, France.", "France", "Paris", false},
        {"Lots of thoughts.\nLocation: Kyoto, Japan", "Japan", "Kyoto", false},
        {"My best guess: Kyoto, Japan", "Japan", "Kyoto", false},
        {"So the answer is \\boxed{Kyoto, Japan}.", "Japan", "Kyoto", false},
        {"Answer: country: France, city: Paris", "France", "Paris", false},
        {"Paris, France", "France", "Paris", false},
        {"Paris, France.\n", "France", "Paris", false},
        {"The country is France and the city is Paris.", "France", "Paris", false},
        {"The country is most likely France.", "France", "", false},
        {"The country is known for its castles, which is nice.", "", "", false},
        {"It was a cross-country: skiing trip.", "", "", false},
        {"A country-specific sign, a city-wide ban.", "", "", false},
        {"I see a dog, a cat and a house.", "", "", false},
        {"<think>country: France\ncity: Paris</think>", "France", "Paris",
         false}, // nothing after the thinking
        {"<think>red roofs", "", "", false},
        {"</think>country: France\ncity: Paris", "France", "Paris", false},
        {"", "", "", false},
        {"   \n\t ", "", "", false},
    };
    CHECK(table);
}

static void json(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"{\"country\": \"France\", \"city\": \"Paris\"}", "France", "Paris", false},
        {"<answer>{\"country\": \"France\", \"city\": \"Paris\"}</answer>", "France", "Paris", false},
        {"```json\n{\n  \"Country\": \"France\",\n  \"City\": \"Paris\"\n}\n```", "France", "Paris", false},
        {"<answer>\n```\n{\"city\":\"S\\u00e3o "
         "Paulo\",\"country\":\"Brazil\",\"confidence\":0.9}\n```\n</answer>",
         "Brazil", "S\xC3\xA3o Paulo", false},
        {"Sure! {\"location\": {\"country\": \"France\", \"city\": \"Paris\"}} Bye.", "France", "Paris",
         false},
        {"{\"answer\": [{\"country\": \"France\", \"city\": \"Paris\"}]}", "France", "Paris", false},
        {"{\"country\": \"France\", \"city\": null}", "France", "", false},
        {"{\"country\": null, \"city\": null}", "", "", true},
        {"{\"country\": \"Unknown\", \"city\": \"N/A\"}", "", "", true},
        {"{\"country\": 7, \"city\": [\"Paris\"]}", "", "Paris", false},
        {"{\"country\": [\"France\"], \"city\": {\"name\": \"Paris\"}}", "France", "Paris", false},
        {"{\"location\": \"Paris, France\", \"confidence\": 0.9}", "France", "Paris", false},
        {"[{\"country\": \"France\", \"city\": \"Paris\"}]", "France", "Paris", false},
        {"{\"country\": \"France\", \"city\": \"It looks like Paris\"}", "France", "", false},
        {"{'country': 'France', 'city': 'Paris'}", "France", "Paris", false},
        {"{\"country\": \"France\", \"city\": \"Paris\",}", "France", "Paris", false},
        {"{country: France, city: Paris}", "France", "Paris", false},
        {"{\"country\": \"France\", \"city\": \"Par", "France", "", false}, // half a name is another one
        {"{{{{\"country\": \"France\"}", "France", "", false},
    };
    CHECK(table);
}

static void running_text(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"This looks like Lisbon, Portugal, because of the tram.", "Portugal", "Lisbon", false},
        {"This looks like Lisbon, Portugal.", "Portugal", "Lisbon", false},
        {"<answer>This looks like Lisbon, Portugal, because of the tram.</answer>", "Portugal", "Lisbon",
         false},
        {"Location: This looks like Lisbon, Portugal", "Portugal", "Lisbon", false},
        {"This photo was taken in Kyoto, Kyoto Prefecture, Japan.", "Japan", "Kyoto", false},
        {"It appears to be a street in Rio de Janeiro, Brazil, given the pavement.", "Brazil",
         "Rio de Janeiro", false},
        {"I believe this is the city of Porto in northern Portugal.", "Portugal", "Porto", false},
        {"I would say this is Santorini (Greece).", "Greece", "Santorini", false},
        {"My best guess is St. Louis, USA because of the arch.", "USA", "St. Louis", false},
        {"This looks like Japan.", "Japan", "", false},
        {"The roofs are red.\n\nThis is most likely **Prague, Czech Republic**.", "Czech Republic", "Prague",
         false},
        // Several places: what they have in common.
        {"It looks like Porto, Portugal, but it might be Lisbon, Portugal.", "Portugal", "", false},
        {"This could be Lisbon, Portugal or Madrid, Spain.", "", "", false},
        {"It looks like Porto, Portugal. Or it is Madrid, Spain.", "", "", false},
        // A sentence is no name.
        {"This is not Lisbon, Portugal.", "", "", false},
        {"It doesn't look like Lisbon, Portugal.", "", "", false},
        {"In Lisbon, Yellow trams are typical.", "", "", false},
        {"The text is in Portuguese, Yellow trams are typical.", "", "", false},
        {"This is a Tesla, Model 3.", "", "", false},
        {"This is Gothic, Victorian architecture.", "", "", false},
        {"Das sieht aus wie Lissabon, Portugal, wegen der Tram.", "", "", false},
        {"Esto parece Lisboa, Portugal, por el tranvía.", "", "", false},
        {"Cela ressemble à Lisbonne, Portugal.", "", "", false},
        {"这看起来像里斯本,葡萄牙", "", "", false},
        {"city: This looks like Lisbon\ncountry: Portugal", "Portugal", "", false},
        {"city: I think this is somewhere near Lisbon\ncountry: Portugal", "Portugal", "", false},
        {"country: Portugal, as the tram shows\ncity: Lisbon, since it is hilly", "Portugal", "Lisbon",
         false},
        {"<think>This looks like Porto, Portugal.</think>This looks like Lisbon, Portugal.", "Portugal",
         "Lisbon", false},
        {"<think>This looks like Porto, Portugal.", "", "", false}, // thoughts try many places
    };
    CHECK(table);
}

static void other_layouts(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"| Country | City |\n|---|---|\n| Portugal | Lisbon |", "Portugal", "Lisbon", false},
        {"Here:\n\n| **City** | Confidence | **Country** |\n| :-- | --: | --- |\n| Lisbon | 90 % | Portugal "
         "|\n",
         "Portugal", "Lisbon", false},
        {"# Country\nPortugal\n# City\nLisbon", "Portugal", "Lisbon", false},
        {"## Country\n\nPortugal\n\n## City\n\nLisbon\n", "Portugal", "Lisbon", false},
        {"**Country**\nPortugal\n\n**City**\nLisbon", "Portugal", "Lisbon", false},
        {"City, Country: Lisbon, Portugal", "Portugal", "Lisbon", false},
        {"Country/City: Portugal/Lisbon", "Portugal", "Lisbon", false},
        {"Country, City: Portugal, Lisbon", "Portugal", "Lisbon", false},
    };
    CHECK(table);
}

static void cut_off(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"<think>x</think><answer>country: Japan\ncity: Kyoto</answer>", "Japan", "Kyoto", false},
        {"<answer>country: Japan\ncity: Kyoto</answer> The reason is that", "Japan", "Kyoto", false},
        {"<answer>country: unknown\ncity: unknown</answer> It", "", "", true},
        {"{\"country\": \"Japan\", \"city\": \"Kyoto\"} The", "Japan", "Kyoto", false},
        {"<answer>{\"country\": \"Japan\", \"city\": \"Kyoto\"}", "Japan", "Kyoto", false},
        {"{\"country\": \"Japan\", \"city\": null} The", "Japan", "", false},
        {"<answer>country: Japan\ncity: Kyo", "", "", false},
        {"<answer>country: Cuba\ncity: Santiago", "", "", false},
        {"country: Japan\ncity: Kyo", "", "", false},
        {"{\"country\": \"Japan\", \"city\": \"Kyo", "", "", false},
        {"This looks like Lisbon, Portugal", "", "", false},
        {"Lisbon, Portugal", "", "", false},
        {"<think>The roofs", "", "", false},
        {"<think>Perhaps <answer>country: Japan\ncity: Kyoto</answer>, but", "", "", false},
        {"<answer>country: Japan\ncity: Kyoto</answer>No: <answer>country: Chi", "", "", false},
        {"I cannot determine", "", "", false},
    };
    CHECK_AS(table, ANSWER_LENIENT_CUT);
}

static void declined(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"<answer>country: unknown\ncity: unknown</answer>", "", "", true},
        {"<answer>country: Unknown\ncity: N/A</answer>", "", "", true},
        {"<answer>country: France\ncity: Unknown</answer>", "France", "", false}, // something was told
        {"<answer>country: France\ncity: N/A</answer>", "France", "", false},
        {"<answer>country: cannot be determined\ncity: cannot be determined from the photo</answer>", "", "",
         true},
        {"<answer>country: Not locatable\ncity: Not locatable.</answer>", "", "", true},
        {"<answer>country: None\ncity: none</answer>", "", "", true},
        // A guess beside the refusal is a guess; a remark is none.
        {"<answer>country: **Unknown** (possibly Spain)\ncity: ?</answer>", "possibly Spain", "", false},
        {"<answer>country: Japan\ncity: Unknown (possibly Kyoto)</answer>", "Japan", "possibly Kyoto", false},
        {"<answer>country: Unknown, maybe Peru\ncity: n/a</answer>", "maybe Peru", "", false},
        {"<answer>country: unknown (likely a tropical island)\ncity: unknown (rural)</answer>", "", "", true},
        {"<answer>country: -\ncity: -</answer>", "", "", true},
        {"<think>Spain?</think><answer>country: unknown\ncity: unknown</answer>", "", "", true},
        {"<think>country: Spain</think><answer>Unknown</answer>", "", "", true},
        {"<answer>not locatable</answer>", "", "", true},
        {"<answer>The location cannot be determined.</answer>", "", "", true},
        {"I'm sorry, but I can't help with that.", "", "", true},
        {"There is not enough information in this image.", "", "", true},
        {"<answer>country: \xE6\x9C\xAA\xE7\x9F\xA5\ncity: "
         "\xE6\x97\xA0\xE6\xB3\x95\xE7\xA1\xAE\xE5\xAE\x9A</answer>",
         "", "", true},
        {"<answer>country: desconocido\ncity: desconocida</answer>", "", "", true},
        {"<answer>country: [country name]\ncity: [city name]</answer>", "", "", false},
        {"<answer>country: <country name>\ncity: <city name></answer>", "", "", false},
        {"<answer>country: Country Name\ncity: ...</answer>", "", "", false},
        {"<answer>country: Noneland\ncity: Unknowntown</answer>", "Noneland", "Unknowntown", false},
        {"<answer>country: Nauru\ncity: Nan</answer>", "Nauru", "Nan", false},
    };
    CHECK(table);
}

static void languages(void **state) {
    (void)state;
    static const struct expected table[] = {
        {"<answer>国家：法国\n城市：巴黎</answer>", "法国", "巴黎", false},
        {"<answer>国家: 法国，城市: 巴黎。</answer>", "法国", "巴黎", false},
        {"<answer>country: 日本\ncity: 東京都</answer>", "日本", "東京都", false},
        {"<answer>country：日本\ncity：京都</answer>", "日本", "京都", false},
        {"<answer>Pays : France\nVille : Orléans</answer>", "France", "Orléans", false},
        {"<answer>País: España\nCiudad: Málaga</answer>", "España", "Málaga", false},
        {"<answer>PAÍS: España\nCIUDAD: Málaga</answer>", "España", "Málaga", false},
        {"<answer>Land: Österreich\nStadt: Wien</answer>", "Österreich", "Wien", false},
        {"<answer>Страна: Россия\nГород: Москва</answer>", "Россия", "Москва", false},
        {"<answer>국가: 대한민국\n도시: 서울</answer>", "대한민국", "서울", false},
        {"<answer>country: مصر\ncity: القاهرة</answer>", "مصر", "القاهرة", false},
        {"<answer>country: Türkiye\ncity: İstanbul</answer>", "Türkiye", "İstanbul", false},
        {"<answer>country: 「日本」\ncity: 《京都》</answer>", "日本", "京都", false},
        {"最终答案：巴黎，法国", "法国", "巴黎", false},
    };
    CHECK(table);
}

// Nothing here may crash, hang or leave anything but valid text; the time limit of the test is part of it.
static void expect_harmless(const char *text, size_t length) {
    for (int rules = ANSWER_COMPAT_REWARD; rules <= ANSWER_LENIENT_CUT; rules++) {
        struct answer answer;
        char *copy = malloc(length + 1); // exactly as long, so that reading on is seen
        assert_non_null(copy);
        memcpy(copy, text, length);
        assert_ok(answer_parse(&answer, copy, length, (enum answer_rules)rules, &error), error);
        free(copy);
        assert_true(utf8_is_valid(answer.country, strlen(answer.country)));
        assert_true(utf8_is_valid(answer.city, strlen(answer.city)));
        assert_true(utf8_is_valid(answer.reasoning, strlen(answer.reasoning)));
        answer_free(&answer);
    }
}

static void hostile_texts_do_no_harm(void **state) {
    (void)state;
    static const char *const pieces[] = {"<answer>",
                                         "</answer>",
                                         "<think>",
                                         "</think>",
                                         "country:",
                                         "country: x city:",
                                         "city:\n",
                                         "{",
                                         "{\"country\":",
                                         "[",
                                         "(",
                                         "**",
                                         "\xF0\x9F\x87\xAB",
                                         "\xFF\xFE",
                                         "\xC3",
                                         " is ",
                                         "- ",
                                         "|",
                                         "`",
                                         "'\"",
                                         "\n",
                                         " ",
                                         "\\boxed{",
                                         "country (",
                                         "the and my most likely ",
                                         "country: (((((",
                                         "a, ",
                                         "\xE2\x80\x9C",
                                         "<country>",
                                         "country: <",
                                         "country: .",
                                         "city: <b>",
                                         "</",
                                         "=",
                                         ":::",
                                         "unknown ",
                                         "\x1C\x85"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        struct buffer text = {0};
        while (text.length < 100000) buffer_add_text(&text, pieces[i]);
        expect_harmless(text.data, text.length);
        buffer_free(&text);
    }
}

static void every_truncation_does_no_harm(void **state) {
    (void)state;
    static const char text[] =
        "<think>R\xC3\xA9"
        "d \xF0\x9F\x87\xAB roofs\0</think>\xE3\x80\x80<answer>**Country:** \xE2\x80\x9C"
        "France\xE2\x80\x9D (90%)\n| City | {\"city\": \"Par\\u0069s\"} |</answer>\0";
    for (size_t length = 0; length < sizeof text; length++) {
        expect_harmless(text, length);
        expect_harmless(text + length, sizeof text - 1 - (length < sizeof text ? length : 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_tags),
        cmocka_unit_test(without_tags),
        cmocka_unit_test(json),
        cmocka_unit_test(running_text),
        cmocka_unit_test(other_layouts),
        cmocka_unit_test(cut_off),
        cmocka_unit_test(declined),
        cmocka_unit_test(languages),
        cmocka_unit_test(hostile_texts_do_no_harm),
        cmocka_unit_test(every_truncation_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
