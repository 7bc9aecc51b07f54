// The sidecar: one XMP packet (ISO 16684-1) with Exif's GPS properties, IPTC's places, and a namespace of our
// own that says that all of it is an estimate.
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "locate/provenance.h"
#include "locate/writer_internal.h"

#define INDENT "      "
static const char method[] = "globe: estimated from what the picture shows";
const char *const writer_xmp_names[] = {"full", "base", NULL};
enum { SIDECAR_LIMIT = 16 << 20 };

static const char *base_name(const char *path) {
    const char *slash = path ? strrchr(path, '/') : NULL;
    return slash ? slash + 1 : path;
}

static void add_property(struct buffer *out, const char *name, const char *value) {
    if (writer_is_empty(value)) return;
    buffer_format(out, INDENT "<%s>", name);
    writer_add_xml(out, value, CLEAN_LINES);
    buffer_format(out, "</%s>\n", name);
}

static void add_number(struct buffer *out, const char *name, double value, int decimals) {
    if (!writer_is_known(value)) return;
    buffer_format(out, INDENT "<%s>", name);
    writer_add_number(out, value, decimals);
    buffer_format(out, "</%s>\n", name);
}

// Degrees and decimal minutes, as XMP writes them: "38,43.0140N". A unit is a ten-thousandth of a minute.
static void add_coordinate(struct buffer *out, const char *name, double degrees, const char *hemispheres) {
    long units = lround(fabs(degrees) * 600000);
    buffer_format(out, INDENT "<exif:%s>%ld,%02ld.%04ld%c</exif:%s>\n", name, units / 600000,
                  units % 600000 / 10000, units % 10000, hemispheres[degrees < 0], name);
}

static void add_position(struct buffer *out, const struct verdict *view) {
    struct point position;
    if (!writer_get_position(&view->place, &position)) return;
    buffer_add_text(out, INDENT "<exif:GPSVersionID>2.3.0.0</exif:GPSVersionID>\n");
    add_coordinate(out, "GPSLatitude", position.lat, "NS");
    add_coordinate(out, "GPSLongitude", position.lon, "EW");
    buffer_add_text(out, INDENT "<exif:GPSMapDatum>WGS-84</exif:GPSMapDatum>\n");
    add_property(out, "exif:GPSProcessingMethod", method);
    double radius = writer_radius(view, view->radius_90_km);
    if (writer_is_known(radius))
        buffer_format(out, INDENT "<exif:GPSHPositioningError>%ld/1</exif:GPSHPositioningError>\n",
                      lround(radius * 1000)); // metres
}

static void add_location(struct buffer *out, const char *name, const struct verdict_place *place) {
    buffer_format(out, INDENT "<Iptc4xmpExt:%s><rdf:Bag><rdf:li rdf:parseType=\"Resource\">\n", name);
    add_property(out, "Iptc4xmpExt:City", place->city);
    add_property(out, "Iptc4xmpExt:ProvinceState", place->region);
    add_property(out, "Iptc4xmpExt:CountryName", place->country);
    add_property(out, "Iptc4xmpExt:CountryCode", place->country_code);
    buffer_format(out, INDENT "</rdf:li></rdf:Bag></Iptc4xmpExt:%s>\n", name);
}

// A list of texts, one for each of `count`, that `add_item` appends.
static void add_list(struct buffer *out, const char *name, const struct verdict *view, size_t count,
                     void (*add_item)(struct buffer *, const struct verdict *, size_t)) {
    if (count == 0) return;
    buffer_format(out, INDENT "<%s><rdf:Seq>\n", name);
    for (size_t i = 0; i < count; i++) {
        struct buffer item = {0};
        add_item(&item, view, i);
        add_property(out, "rdf:li", item.data);
        out->failed = out->failed || item.failed;
        buffer_free(&item);
    }
    buffer_format(out, INDENT "</rdf:Seq></%s>\n", name);
}

static void add_clue(struct buffer *item, const struct verdict *view, size_t i) {
    buffer_format(item, "%s: %s", view->clues[i].kind, view->clues[i].text ? view->clues[i].text : "");
}

static void add_alternative(struct buffer *item, const struct verdict *view, size_t i) {
    writer_add_place(item, &view->alternatives[i]);
}

static void add_packet(struct buffer *out, const struct verdict *view, const struct writer_options *options) {
    buffer_add_text(out, "<?xpacket begin=\"\xEF\xBB\xBF\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n"
                         "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\" x:xmptk=\"globe " GLOBE_VERSION "\">\n"
                         "  <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n"
                         "    <rdf:Description rdf:about=\"\"\n"
                         "        xmlns:exif=\"http://ns.adobe.com/exif/1.0/\"\n"
                         "        xmlns:photoshop=\"http://ns.adobe.com/photoshop/1.0/\"\n"
                         "        xmlns:Iptc4xmpCore=\"http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/\"\n"
                         "        xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n"
                         "        xmlns:globe=\"urn:globe:estimate:1.0#\">\n");
    add_position(out, view);
    add_property(out, "photoshop:City", view->place.city);
    add_property(out, "photoshop:State", view->place.region);
    add_property(out, "photoshop:Country", view->place.country);
    add_property(out, "Iptc4xmpCore:CountryCode", view->place.country_code);
    add_location(out, "LocationCreated", &view->place);
    add_location(out, "LocationShown", &view->place);
    struct buffer instructions = {0}; // where people look who know nothing of our names
    buffer_add_text(&instructions,
                    "The place was estimated by globe from what the picture shows, not measured.");
    add_property(out, "photoshop:Instructions", instructions.data);
    out->failed = out->failed || instructions.failed;
    buffer_free(&instructions);
    add_property(out, "globe:Estimate", "True");
    add_property(out, "globe:Photo", base_name(view->photo));
    add_number(out, "globe:Confidence", view->confidence, 4);
    add_number(out, "globe:RadiusKm", writer_radius(view, view->radius_90_km), 1);
    if (view->has_gps) add_number(out, "globe:GpsDistanceKm", view->gps_distance_km, 1);
    if (view->has_gps) add_property(out, "globe:ContradictsGps", view->contradicts_gps ? "True" : "False");
    add_property(out, "globe:Precision", writer_precision_names[options->precision]);
    add_property(out, "globe:Model", options->model);
    add_list(out, "globe:Alternatives", view, view->alternative_count, add_alternative);
    add_list(out, "globe:Clues", view, view->clue_count, add_clue);
    add_property(out, "globe:Reasoning", view->reasoning);
    add_property(out, "globe:PhotoSha256", view->photo_sha256);
    if (options->provenance) {
        add_property(out, "globe:ModelHash", options->provenance->model_hash);
        add_property(out, "globe:SettingsHash", options->provenance->settings_hash);
    }
    buffer_format(out, INDENT "<" WRITER_SEAL ">%064d</" WRITER_SEAL ">\n", 0);
    buffer_add_text(out, "    </rdf:Description>\n"
                         "  </rdf:RDF>\n"
                         "</x:xmpmeta>\n"
                         "<?xpacket end=\"w\"?>\n");
}

// street.xmp may be the sidecar of street.png as well as of street.jpg. Editors write the property anew, as an
// element or an attribute.
static bool is_of(const char *packet, const char *photo) {
    static const char *const forms[][2] = {{"<globe:Photo>", "</globe:Photo>"}, {"globe:Photo=\"", "\""}};
    bool same = false;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct buffer mark = {0};
        buffer_add_text(&mark, forms[i][0]);
        writer_add_xml(&mark, base_name(photo), CLEAN_LINES);
        buffer_add_text(&mark, forms[i][1]);
        same = same || (mark.data && !mark.failed && strstr(packet, mark.data));
        buffer_free(&mark);
    }
    return same;
}

// It is replaced only when it is ours.
static int check_owner(const char *photo, const char *sidecar, struct error *error) {
    size_t length;
    char *text = file_read(sidecar, SIDECAR_LIMIT, &length, error);
    if (!text) return -1;
    bool ours = is_of(text, photo);
    free(text);
    if (ours) return 0;
    return error_set(error, ERROR_INPUT, "%s: not the sidecar that was written for %s, so it is left alone",
                     sidecar, base_name(photo));
}

static bool is_untouched(const char *sidecar) {
    size_t length;
    char *text = file_read(sidecar, SIDECAR_LIMIT, &length, NULL);
    bool untouched = text && writer_is_sealed(text, length);
    free(text);
    return untouched;
}

enum xmp_state writer_xmp_look(const char *path, const char *photo) {
    struct stat status;
    if (lstat(path, &status)) return errno == ENOENT ? XMP_ABSENT : XMP_FOREIGN;
    char *text = S_ISREG(status.st_mode) ? file_read(path, SIDECAR_LIMIT, NULL, NULL) : NULL;
    bool own = text && strstr(text, "urn:globe:estimate:1.0#") &&
               (is_of(text, photo) || (!strstr(text, "<globe:Photo>") && !strstr(text, "globe:Photo=")));
    free(text);
    return own ? XMP_OWN : XMP_FOREIGN;
}

// "street.jpg.xmp" or "street.xmp".
static void name_sidecar(struct buffer *path, const char *photo, enum writer_xmp_name name) {
    const char *dot = strrchr(base_name(photo), '.');
    bool cut = name == XMP_BASE && dot && dot != base_name(photo);
    buffer_add(path, photo, cut ? (size_t)(dot - photo) : strlen(photo));
    buffer_add_text(path, ".xmp");
}

char *writer_xmp_path(const char *photo, const struct writer_options *options, struct error *error) {
    struct buffer path = {0};
    char *full = writer_photo_path(photo, options, error);
    if (!full) return NULL;
    name_sidecar(&path, full, options->xmp_name);
    free(full);
    char *name = buffer_take(&path);
    if (!name) error_set(error, ERROR_MEMORY, "not enough memory for a sidecar");
    return name;
}

// Between the look and the rename somebody may have put one there.
static int write_packet(const char *path, const struct buffer *packet, bool replace, struct error *error) {
    struct file_writer writer;
    if (file_writer_open(&writer, path, error)) return -1;
    if (fwrite(packet->data, 1, packet->length, writer.stream) != packet->length) {
        error_set_errno(error, path, "cannot write");
        file_writer_abandon(&writer);
        return -1;
    }
    return replace ? file_writer_commit(&writer, error) : file_writer_commit_new(&writer, error);
}

// The photo must be a file by that name, and what stands in the sidecar's place must be nothing, or a regular
// file that may be replaced: a link could lead to the photo.
static int check_paths(const char *photo, const char *sidecar, enum xmp_replace replace,
                       struct error *error) {
    struct stat status;
    if (stat(photo, &status)) return error_set_errno(error, photo, "cannot write a sidecar beside it");
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_INPUT, "%s: not a file, so no sidecar can stand beside it", photo);
    if (lstat(sidecar, &status))
        return errno == ENOENT ? 0 : error_set_errno(error, sidecar, "cannot look for a sidecar");
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_INPUT, "%s: not a regular file, so it is left alone", sidecar);
    if (replace == XMP_REPLACE || (replace == XMP_UNTOUCHED && is_untouched(sidecar))) return 0;
    return error_set(error, ERROR_INPUT, "%s: there is a sidecar already, and it is left as it is", sidecar);
}

int writer_remove_xmp(const char *photo, const struct writer_options *options, struct error *error) {
    char *path = writer_xmp_path(photo, options, error);
    if (!path) return -1;
    int result = 0;
    if (writer_xmp_look(path, photo) == XMP_OWN && is_untouched(path) && unlink(path))
        result = error_set_errno(error, path, "cannot remove");
    free(path);
    return result;
}

int writer_write_xmp(const struct verdict *verdict, const struct writer_options *options,
                     enum xmp_replace replace, struct error *error) {
    if (verdict->outcome != VERDICT_PLACED) return 0;
    struct verdict view;
    struct buffer packet = {0};
    char *photo = writer_photo_path(verdict->photo ? verdict->photo : "", options, error);
    if (!photo) return -1;
    if (writer_coarsen(&view, verdict, options->precision, error)) {
        free(photo);
        return -1;
    }
    char *path = writer_xmp_path(verdict->photo ? verdict->photo : "", options, error);
    add_packet(&packet, &view, options);
    int result = -1;
    if (packet.failed)
        error_set(error, ERROR_MEMORY, "not enough memory for a sidecar");
    else if (path && writer_seal(&packet, error) == 0 && check_paths(photo, path, replace, error) == 0 &&
             (options->xmp_name == XMP_FULL || !file_exists(path) || check_owner(photo, path, error) == 0))
        result = write_packet(path, &packet, replace != XMP_KEEP, error);
    free(path);
    buffer_free(&packet);
    free(photo);
    writer_release_view(&view);
    return result;
}
