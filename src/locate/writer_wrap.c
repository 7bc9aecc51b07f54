#include <string.h>
#include <utf8proc.h>

#include "base/utf8.h"
#include "locate/writer_internal.h"

enum { NARROWEST = 20 }; // columns that a line always has, however deep it is indented

static size_t columns_of(int32_t code) {
    int width = utf8proc_charwidth(code);
    return width > 0 ? (size_t)width : 0;
}

static size_t count_columns(const char *text, size_t length) {
    size_t columns = 0;
    while (length > 0) {
        int32_t code;
        size_t used = utf8_decode(text, length, &code);
        columns += columns_of(code);
        text += used;
        length -= used;
    }
    return columns;
}

size_t writer_text_columns(const char *text) {
    return count_columns(text, strlen(text));
}

void writer_pad(struct buffer *out, size_t columns) {
    static const char spaces[] = "                                ";
    while (columns > 0) {
        size_t some = columns < sizeof spaces - 1 ? columns : sizeof spaces - 1;
        buffer_add(out, spaces, some);
        columns -= some;
    }
}

struct wrapping {
    struct buffer *out;
    size_t indent, limit; // first column, and the column that no character reaches
    size_t column;
};

static void break_line(struct wrapping *wrapping) {
    buffer_add_text(wrapping->out, "\n");
    writer_pad(wrapping->out, wrapping->indent);
    wrapping->column = wrapping->indent;
}

// A word longer than a line (an address, Chinese, noise) is broken anywhere between its characters.
static void add_long_word(struct wrapping *wrapping, const char *word, size_t length) {
    while (length > 0) {
        int32_t code;
        size_t used = utf8_decode(word, length, &code);
        size_t columns = columns_of(code);
        if (wrapping->column + columns > wrapping->limit) break_line(wrapping);
        buffer_add(wrapping->out, word, used);
        wrapping->column += columns;
        word += used;
        length -= used;
    }
}

static void add_word(struct wrapping *wrapping, const char *word, size_t length) {
    size_t columns = count_columns(word, length);
    if (wrapping->column > wrapping->indent) {
        bool fits = wrapping->column + 1 + columns <= wrapping->limit;
        if (fits) {
            buffer_add_text(wrapping->out, " ");
            wrapping->column++;
        } else {
            break_line(wrapping);
        }
    }
    add_long_word(wrapping, word, length);
}

void writer_wrap(struct buffer *out, const char *text, size_t indent, size_t width) {
    size_t limit = width > indent + NARROWEST ? width : indent + NARROWEST;
    struct wrapping wrapping = {out, indent, limit, indent};
    bool pending_break = false;
    while (*text) {
        size_t length = strcspn(text, " \n");
        if (length > 0) {
            if (pending_break) break_line(&wrapping);
            pending_break = false;
            add_word(&wrapping, text, length);
            text += length;
        } else {
            // Blank lines are dropped, and so is one at the end.
            if (*text == '\n' && wrapping.column > indent) pending_break = true;
            text++;
        }
    }
}
