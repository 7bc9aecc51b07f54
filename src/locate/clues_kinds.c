#include "locate/clues_kinds.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"

enum { LABEL_LIMIT = 40, LABEL_WEIGHT = 3 };

struct kind {
    const char *name;
    const char *const *words; // lower case; "*" at the end: any ending
};

#define WORDS(...)          \
    (const char *const[]) { \
        __VA_ARGS__, NULL   \
    }

// Where two kinds have equally many words in a sentence, the first one is taken: the more telling come first.
static const struct kind kinds[] = {
    {"plate", WORDS("license plate*", "licence plate*", "number plate*", "registration plate*", "plates",
                    "car plate*")},
    {"flag", WORDS("flag", "flags", "national flag*", "pennant*")},
    {"language",
     WORDS("language*", "script", "scripts", "alphabet", "cyrillic", "arabic", "hangul", "kanji", "hiragana",
           "katakana", "kana", "chinese character*", "japanese character*", "devanagari", "hebrew",
           "thai script", "greek letter*", "written in", "in english", "in french", "in spanish",
           "in portuguese", "in german", "in italian", "in dutch", "in polish", "in czech", "in russian",
           "in ukrainian", "in turkish", "in greek", "in japanese", "in chinese", "in korean", "in thai",
           "in vietnamese", "in arabic", "in hindi", "in swedish", "in norwegian", "in danish", "in finnish",
           "in hungarian", "in romanian", "diacritic*", "umlaut*", "accent mark*", "spelling", "spelled",
           "dialect*", "bilingual")},
    {"sign", WORDS("sign", "signs", "signage", "signpost*", "signboard*", "street sign*", "road sign*",
                   "shop sign*", "store sign*", "traffic sign*", "street name*", "billboard*", "banner*",
                   "poster*", "inscription*", "lettering", "text", "logo*", "brand*", "advertis*", "plaque*",
                   "graffiti", "reads", "labelled", "labeled")},
    {"landmark",
     WORDS("landmark*", "monument*", "statue*", "memorial*", "iconic", "famous", "well-known", "recognizable",
           "recognisable", "bridge*", "fountain*", "museum*", "stadium*", "unesco", "world heritage")},
    {"architecture",
     WORDS("architect*", "building*", "house", "houses", "housing", "facade*", "façade*", "roof*", "balcon*",
           "window*", "brick*", "tile*", "tiled", "church*", "mosque*", "temple*", "cathedral*", "pagoda*",
           "tower*", "skyscraper*", "skyline", "stucco", "colonial", "gothic", "baroque", "art nouveau",
           "art deco", "half-timbered", "villa*", "apartment*", "shutter*", "dome*", "arch", "arches",
           "minaret*", "castle*", "palace*", "masonry", "whitewashed", "azulejo*", "storefront*",
           "shop front*")},
    {"vehicle", WORDS("vehicle*", "car", "cars", "bus", "buses", "minibus*", "truck*", "lorr*", "van", "vans",
                      "taxi*", "cab", "cabs", "tram", "trams", "streetcar*", "train", "trains", "scooter*",
                      "motorcycle*", "motorbike*", "bicycle*", "bike*", "tuk-tuk*", "rickshaw*", "pickup*",
                      "jeepney*", "boat*", "ferry", "ferries", "gondola*")},
    {"infrastructure",
     WORDS("infrastructure", "utility pole*", "telephone pole*", "power pole*", "electric pole*",
           "power line*", "overhead wire*", "overhead cable*", "pylon*", "street lamp*", "streetlamp*",
           "street light*", "streetlight*", "lamp post*", "lamppost*", "bollard*", "traffic light*",
           "hydrant*", "fire hydrant*", "mailbox*", "post box*", "postbox*", "phone booth*", "telephone box*",
           "bus stop*", "manhole*", "fence*", "railing*", "railway*", "rail track*", "subway",
           "metro station*", "guardrail*", "street furniture")},
    {"road",
     WORDS("road*", "street", "streets", "highway*", "motorway*", "lane", "lanes", "asphalt", "pavement*",
           "paving", "paved", "cobble*", "crosswalk*", "zebra crossing*", "pedestrian crossing*",
           "intersection*", "junction*", "roundabout*", "sidewalk*", "curb*", "kerb*", "alley*", "gravel",
           "traffic", "drive on the", "drives on the", "driving on the", "driving side", "left-hand traffic",
           "right-hand traffic", "left side of the road", "right side of the road", "road marking*",
           "lane marking*", "yellow line*", "white line*", "centre line*", "center line*")},
    {"vegetation", WORDS("vegetation", "tree", "trees", "palm", "palms", "palm tree*", "plant", "plants",
                         "flora", "forest*", "woodland*", "grass*", "shrub*", "bush", "bushes", "flower*",
                         "pine", "pines", "eucalypt*", "cactus", "cacti", "birch*", "conifer*", "deciduous",
                         "evergreen*", "greenery", "foliage", "garden*", "vineyard*", "crop*", "olive tree*",
                         "cypress*", "jungle", "leaves", "bougainvillea", "bamboo")},
    {"terrain", WORDS("terrain", "mountain*", "hill", "hills", "hilly", "hillside*", "valley*", "desert*",
                      "landscape*", "cliff*", "rock", "rocks", "rocky", "sand", "sandy", "soil", "volcan*",
                      "plain", "plains", "plateau*", "canyon*", "geolog*", "topograph*", "farmland", "field",
                      "fields", "slope*", "glacier*", "dune*", "island*")},
    {"water", WORDS("water", "sea", "seaside", "ocean*", "coast*", "beach*", "river*", "lake", "lakes",
                    "harbour*", "harbor*", "canal*", "waterfront*", "shore*", "bay", "port", "pier", "piers",
                    "waves", "lagoon*", "fjord*", "marina*", "waterfall*", "estuary")},
    {"climate",
     WORDS("climate*", "weather", "sunny", "sunlight", "sun", "snow*", "rain*", "humid*", "arid", "dry",
           "tropical", "subtropical", "temperate", "mediterranean climate", "cloud*", "overcast", "sky",
           "skies", "season*", "winter", "summer", "autumn", "shadow*", "fog*", "mist", "frost*")},
    {"people", WORDS("people", "person", "pedestrian*", "cloth*", "dressed", "uniform*", "tradition*", "men",
                     "women", "man", "woman", "children", "crowd*", "wearing", "attire", "costume*", "hijab*",
                     "turban*", "kimono*", "custom", "customs", "festival*", "food", "cuisine", "tourist*",
                     "market*", "vendor*", "cultural")},
    // No kind: phrases whose words only look like those above.
    {NULL, WORDS("that leaves", "this leaves", "which leaves", "it leaves", "leaves only")},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *const conclusions[] = {
    "therefore",       "thus",
    "hence",           "overall",
    "in conclusion",   "in summary",
    "to sum up",       "conclusion",
    "summary",         "final answer",
    "taken together",  "taking all",
    "considering all", "considering th",
    "based on th",     "based on all",
    "based on my",     "given all",
    "given these",     "combining",
    "all of these",    "all these",
    "these clues",     "these elements",
    "these features",  "these details",
    "putting",         "so the answer",
    "the answer is",   "so, ",
    "none of it",      "none of this",
    "none of these",   "my guess",
    "my best guess",   "the most likely",
    "i conclude",      "this suggests that the photo",
};

// Bytes of the letter or digit at `text`, 0 when there is none. Letters of other scripts belong to words as
// well; general, CJK and full-width punctuation does not.
static size_t letter_length(const char *text) {
    if ((unsigned char)*text < 0x80) return isalnum((unsigned char)*text) ? 1 : 0;
    int32_t code;
    size_t length = utf8_decode(text, strnlen(text, 4), &code);
    bool punctuation = (code >= 0x2000 && code < 0x2070) || (code >= 0x3000 && code < 0x3004) ||
                       (code >= 0xFF00 && code < 0xFF10);
    return code < 0 || punctuation ? 0 : length;
}

// Bytes of `text` that a word of the lists takes, 0 when it is not this word.
static size_t match_word(const char *text, const char *word) {
    if (tolower((unsigned char)*text) != (unsigned char)*word) return 0; // most often
    size_t length = strlen(word), letter;
    bool any_ending = word[length - 1] == '*';
    if (any_ending) length--;
    if (strncasecmp(text, word, length) != 0) return 0;
    if (!any_ending) return letter_length(text + length) ? 0 : length;
    while ((letter = letter_length(text + length))) length += letter;
    return length;
}

// The longest word of any kind that stands here: a "street sign" is no street.
static size_t find_word(const char *text, int *kind) {
    size_t longest = 0;
    for (int k = 0; k < KINDS; k++)
        for (const char *const *word = kinds[k].words; *word; word++) {
            size_t length = match_word(text, *word);
            if (length <= longest) continue;
            longest = length;
            *kind = k;
        }
    return longest;
}

static void count_words(const char *text, size_t length, int weight, int counts[KINDS]) {
    size_t i = 0, letter;
    while (i < length) {
        int kind = 0;
        size_t used = find_word(text + i, &kind);
        if (used > 0 && kinds[kind].name) counts[kind] += weight;
        i += used;
        while ((letter = letter_length(text + i))) i += letter;
        while (i < length && !letter_length(text + i)) i++;
    }
}

static const char *most_frequent(const int counts[KINDS]) {
    int best = 0;
    for (int k = 1; k < KINDS; k++)
        if (counts[k] > counts[best]) best = k;
    return counts[best] > 0 ? kinds[best].name : NULL;
}

// Length of "Road and traffic" in "Road and traffic: ...", 0 without a label.
static size_t label_length(const char *sentence) {
    size_t length = strcspn(sentence, ":,.;");
    return length <= LABEL_LIMIT && sentence[length] == ':' ? length : 0;
}

const char *clue_kind_of(const char *sentence) {
    int counts[KINDS] = {0};
    count_words(sentence, label_length(sentence), LABEL_WEIGHT - 1, counts);
    count_words(sentence, strlen(sentence), 1, counts);
    return most_frequent(counts);
}

const char *clue_kind_of_label(const char *sentence) {
    int counts[KINDS] = {0};
    count_words(sentence, label_length(sentence), 1, counts);
    return most_frequent(counts);
}

bool clue_is_conclusion(const char *sentence) {
    for (size_t i = 0; i < sizeof conclusions / sizeof *conclusions; i++)
        if (strncasecmp(sentence, conclusions[i], strlen(conclusions[i])) == 0) return true;
    return false;
}
