// How the page looks: by daylight and at night, on a wide screen and on a phone, on paper.
#include <stddef.h>

#include "locate/writer_parts.h"

static const char colours[] =
    ":root{--page:#f4f2ec;--card:#fffefb;--ink:#20262e;--soft:#69727d;--line:#e4e0d6;--mark:#c2412d;"
    "--onmark:#fff;--sea:#e9eef0;--grid:#d6dfe3;--land:#5f7d8c;--frame:#ebe8e0}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161c24;--ink:#e6e9ee;--soft:#95a0ad;"
    "--line:#28313c;--mark:#ff8a5c;--onmark:#1c0d06;--sea:#111923;--grid:#1c2733;--land:#e3b66b;"
    "--frame:#0f141b}}\n";

static const char page[] =
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}\n"
    "body{margin:0 auto;max-width:76rem;padding:clamp(1rem,3vw,2.5rem);display:flex;flex-direction:column;"
    "gap:clamp(1rem,2.5vw,1.75rem);background:var(--page);color:var(--ink);"
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto "
    "Sans',sans-serif;overflow-wrap:anywhere}\n"
    "header{order:-2}\n"
    "h1{margin:0;font-size:clamp(1.5rem,4vw,2.25rem);line-height:1.15;letter-spacing:-.02em;font-weight:650;"
    "text-wrap:balance}\n"
    "header p{margin:.4rem 0 0;color:var(--soft)}\n"
    "header b{font-weight:600;color:var(--ink)}\n";

static const char map[] =
    ".world{order:-1}\n"
    ".world p{margin:.6rem 0 0;color:var(--soft);font-size:.875rem}\n"
    ".map{display:block;width:100%;height:auto;overflow:visible}\n"
    ".sea{fill:var(--sea)}\n"
    ".lines{fill:none;stroke:var(--grid);stroke-width:1.5}\n"
    ".land{fill:none;stroke:var(--land);stroke-linecap:round;stroke-dasharray:.01 7.99}\n"
    ".l0{stroke-width:3.3;opacity:.6}.l1{stroke-width:4.4;opacity:.78}.l2{stroke-width:5.6;opacity:.95}\n"
    ".near{fill:var(--mark);fill-opacity:.13;stroke:var(--mark);stroke-opacity:.65;stroke-width:2}\n"
    ".pin rect{fill:var(--mark);stroke:var(--card);stroke-width:3}\n"
    ".pin text{fill:var(--onmark);font:700 20px system-ui,sans-serif;text-anchor:middle}\n"
    "a:hover .pin rect,a:focus .pin rect{stroke:var(--ink)}\n";

static const char cards[] =
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20.5rem),1fr));"
    "gap:clamp(1rem,2vw,1.5rem);align-items:start}\n"
    "article{background:var(--card);border:1px solid var(--line);border-radius:.9rem;overflow:hidden;"
    "scroll-margin-top:1rem}\n"
    "article:target{outline:3px solid var(--mark);outline-offset:2px}\n"
    "figure{margin:0}\n"
    "figure img,.missing{display:block;width:100%;height:auto;aspect-ratio:4/3;object-fit:contain;"
    "background:var(--frame)}\n"
    ".missing{display:grid;place-items:center;color:var(--soft);font-size:.875rem}\n"
    "figcaption{display:flex;align-items:center;gap:.6rem;padding:.6rem 1.1rem;font-size:.8125rem;"
    "color:var(--soft);border-bottom:1px solid var(--line)}\n"
    ".number{flex:none;min-width:1.6rem;padding:0 .4rem;border-radius:1rem;background:var(--soft);"
    "color:var(--card);text-align:center;line-height:1.6rem}\n"
    ".placed .number{background:var(--mark);color:var(--onmark)}\n"
    ".said{padding:1rem 1.1rem 1.1rem}\n"
    ".said p{margin:0}\n"
    "h2{margin:0;font-size:1.45rem;line-height:1.2;letter-spacing:-.01em;font-weight:650}\n"
    "h2.none{color:var(--soft)}\n"
    ".within{color:var(--soft)}\n"
    ".said .at{margin-top:.6rem;font-variant-numeric:tabular-nums}\n"
    ".radius{color:var(--soft);white-space:nowrap}\n"
    ".said .sure{margin-top:.6rem;font-size:.9rem}\n"
    ".bar{display:block;width:100%;height:.45rem;margin-top:.35rem;border-radius:.25rem}\n"
    ".bar rect{height:100%}.all{fill:var(--line)}.part{fill:var(--mark)}\n"
    "h3{margin:1.1rem 0 .35rem;font-size:.75rem;font-weight:650;letter-spacing:.06em;"
    "text-transform:uppercase;color:var(--soft)}\n"
    ".others{margin:0;padding:0;list-style:none;font-size:.9375rem}\n"
    ".others li{display:flex;justify-content:space-between;gap:1rem}\n"
    ".share{color:var(--soft);font-variant-numeric:tabular-nums;white-space:nowrap}\n"
    "dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:.3rem .7rem;font-size:.9375rem;"
    "line-height:1.45}\n"
    "dt{grid-column:1;color:var(--soft);font-size:.8125rem;line-height:1.68}\n"
    "dd{grid-column:2;margin:0}\n"
    ".said .note{margin-top:.6rem;font-size:.875rem;color:var(--soft)}\n"
    "details{margin-top:.9rem;border-top:1px solid var(--line);padding-top:.7rem;font-size:.9375rem}\n"
    "summary{cursor:pointer;color:var(--soft);font-size:.875rem}\n"
    "summary:hover{color:var(--ink)}\n"
    "details img{display:block;width:100%;height:auto;margin-top:.6rem;border-radius:.4rem}\n"
    ".said .reasoning{margin-top:.6rem;white-space:pre-line}\n";

static const char sizes[] =
    // one photo alone: beside its text
    "@media(min-width:48rem){article:only-child{grid-column:1/-1;display:grid;"
    "grid-template-columns:minmax(0,1fr) minmax(0,1fr)}"
    "article:only-child figure{border-right:1px solid var(--line)}}\n"
    // phones: the map is small, its markers are not
    "@media(max-width:48rem){.pin{transform:scale(1.6)}.near{stroke-width:3}}\n"
    "@media(max-width:30rem){.pin{transform:scale(2.3)}}\n"
    "@media print{article{break-inside:avoid}}\n";

const char *const writer_html_style[] = {colours, page, map, cards, sizes, NULL};
