// How the page looks: by daylight and at night, on a wide screen and on a phone, on paper.
#include <stddef.h>

#include "locate/writer_internal.h"

// Green, blue-green, amber and red tell themselves apart by lightness, too; the number beside says it in
// words.
static const char colours[] =
    ":root{--page:#f4f2ec;--card:#fffefb;--ink:#20262e;--soft:#5d6670;--line:#e4e0d6;--mark:#14566b;"
    "--onmark:#fff;--sea:#e9eef0;--grid:#d6dfe3;--land:#8fa6b1;--frame:#ebe8e0;"
    "--b0:#66707a;--b1:#10453a;--b2:#1f7a66;--b3:#9a6200;--b4:#c2352b}\n"
    "@media(prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161c24;--ink:#e6e9ee;--soft:#95a0ad;"
    "--line:#28313c;--mark:#7cc4dc;--onmark:#0b1116;--sea:#111923;--grid:#1c2733;--land:#4a5c6c;"
    "--frame:#0f141b;--b0:#98a3af;--b1:#8df0c4;--b2:#3fbf95;--b3:#e8ae4a;--b4:#ff7f6e}}\n"
    ".b0{--b:var(--b0)}.b1{--b:var(--b1)}.b2{--b:var(--b2)}.b3{--b:var(--b3)}.b4{--b:var(--b4)}\n";

static const char page[] =
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;scroll-behavior:smooth}\n"
    "body{margin:0 auto;max-width:76rem;padding:clamp(1rem,3vw,2.5rem);display:flex;flex-direction:column;"
    "gap:clamp(1rem,2.5vw,1.75rem);background:var(--page);color:var(--ink);"
    "font:1rem/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Noto "
    "Sans',sans-serif;overflow-wrap:anywhere}\n"
    "h1{margin:0;font-size:clamp(1.5rem,4vw,2.25rem);line-height:1.15;letter-spacing:-.02em;font-weight:650;"
    "text-wrap:balance}\n"
    "header p{margin:.4rem 0 0;color:var(--soft)}\n"
    "header b{font-weight:600;color:var(--ink)}\n"
    "header .caution{padding:.6rem .9rem;border-left:4px solid var(--b3);background:var(--card);"
    "color:var(--ink);max-width:60rem}\n"
    "select{font:inherit;font-size:.9375rem;color:inherit;background:var(--card);border:1px solid "
    "var(--line);border-radius:.4rem;padding:.3rem .5rem;max-width:100%}\n"
    ".tools{display:flex;flex-wrap:wrap;gap:.6rem 1.25rem;font-size:.875rem;color:var(--soft)}\n"
    ".tools label{display:flex;flex-wrap:wrap;align-items:center;gap:.4rem}\n"
    ".tools select{color:var(--ink)}\n"
    "a{color:var(--mark)}\n"
    ":focus-visible{outline:3px solid var(--mark);outline-offset:2px}\n";

static const char map[] =
    ".world{scroll-margin-top:1rem}\n"
    ".world p{margin:.6rem 0 0;color:var(--soft);font-size:.875rem}\n"
    ".legend{display:flex;flex-wrap:wrap;gap:.3rem 1rem}\n"
    ".legend span::before{content:'';display:inline-block;width:.8em;height:.8em;margin-right:.4em;"
    "border-radius:50%;background:var(--b)}\n"
    // the list of a mark of several photos
    ".opened{display:none;margin-top:.75rem;padding:.75rem 1rem;background:var(--card);border:1px solid "
    "var(--line);border-radius:.6rem;scroll-margin-top:55vh}\n"
    ".opened:target{display:block}\n"
    ".world .opened p{margin:0;color:var(--ink)}\n"
    ".opened ul{margin:.5rem 0 0;padding:0;list-style:none;columns:20rem;gap:2rem;max-height:24rem;"
    "overflow:auto}\n"
    ".opened li{padding:.15rem 0;break-inside:avoid-column}\n"
    ".opened li a{display:inline-block;min-width:1.6em;margin:.1em 0;padding:0 .35em;border-radius:.8em;"
    "background:var(--b);color:var(--onmark);text-align:center;text-decoration:none;font-size:.8125rem}\n"
    ".m,.s{display:none}\n"
    ".map{display:block;width:100%;height:auto;overflow:visible}\n"
    ".sea{fill:var(--sea)}\n"
    ".lines{fill:none;stroke:var(--grid);stroke-width:1.5}\n"
    ".land{fill:none;stroke:var(--land);stroke-linecap:round;stroke-dasharray:.01 7.99}\n"
    ".l0{stroke-width:3.3;opacity:.6}.l1{stroke-width:4.4;opacity:.78}.l2{stroke-width:5.6;opacity:.95}\n"
    ".near{fill:var(--mark);fill-opacity:.1;stroke:var(--mark);stroke-opacity:.5;stroke-width:2}\n"
    ".pin rect{fill:var(--b);stroke:var(--card);stroke-width:3}\n"
    ".pin text{fill:var(--onmark);font:700 20px system-ui,sans-serif;text-anchor:middle}\n"
    "a:hover .pin rect,a:focus .pin rect{stroke:var(--ink)}\n";

static const char cards[] =
    "main{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,20.5rem),1fr));"
    "gap:clamp(1rem,2vw,1.5rem);align-items:start}\n"
    "article{content-visibility:auto;contain-intrinsic-size:auto 32rem;background:var(--card);border:1px "
    "solid var(--line);border-radius:.9rem;overflow:hidden;"
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
    ".number{background:var(--b);color:var(--onmark)}\n"
    ".said{padding:1rem 1.1rem 1.1rem}\n"
    ".said p{margin:0}\n"
    "h2{margin:0;font-size:1.45rem;line-height:1.2;letter-spacing:-.01em;font-weight:650}\n"
    "h2.none{color:var(--soft)}\n"
    ".within{color:var(--soft)}\n"
    ".said .at{margin-top:.6rem;font-variant-numeric:tabular-nums}\n"
    ".radius{color:var(--soft);white-space:nowrap}\n"
    ".said .sure{margin-top:.6rem;font-size:.9rem}\n"
    ".bar{display:block;height:.45rem;margin-top:.35rem;border-radius:.25rem;print-color-adjust:exact;"
    "background:linear-gradient(90deg,var(--b) var(--w),var(--line) var(--w))}\n"
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
    ".said .against{color:var(--b4);font-weight:600}\n"
    "details{margin-top:.9rem;border-top:1px solid var(--line);padding-top:.7rem;font-size:.9375rem}\n"
    "summary{cursor:pointer;color:var(--soft);font-size:.875rem}\n"
    "summary:hover{color:var(--ink)}\n"
    "details img{display:block;width:100%;height:auto;margin-top:.6rem;border-radius:.4rem}\n"
    "details p+p{margin-top:.4rem}\n"
    ".said .reasoning{margin-top:.6rem;white-space:pre-line}\n";

static const char sizes[] =
    // one photo alone: beside its text
    "@media(min-width:48rem){article:only-child{grid-column:1/-1;display:grid;"
    "grid-template-columns:minmax(0,1fr) minmax(0,1fr)}"
    "article:only-child figure{border-right:1px solid var(--line)}}\n"
    // the three sets of marks (writer_map_marks.c)
    "@media(max-width:56rem){.w{display:none}.m{display:inline}.near{stroke-width:3}}\n"
    "@media(max-width:34rem){.m{display:none}.s{display:inline}}\n"
    // one card above another: the keyboard follows what is seen
    "main{reading-flow:grid-order}\n"
    "@media(prefers-reduced-motion:reduce){html{scroll-behavior:auto}}\n"
    "@media "
    "print{article{break-inside:avoid;content-visibility:visible}.tools{display:none}.m,.s{display:none}"
    ".w{display:inline}}\n";

const char *const writer_html_style[] = {colours, page, map, cards, sizes, NULL};
