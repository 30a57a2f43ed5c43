// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DRAW_REPORT_STYLE_H
#define DRAW_REPORT_STYLE_H

// How a report looks. Pictures keep their white ground in the dark too: their colours are chosen
// for it.
static const char mb_report_style[] =
    ":root{--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--ground:#fff;--card:#f6f8fa;--mark:#0072b2;"
    "--warn:#fff4e5;--warn-line:#e69f00}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#30363d;"
    "--ground:#0d1117;--card:#161b22;--mark:#56b4e9;--warn:#33260a;--warn-line:#e69f00}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,sans-serif}"
    "main,header,footer{max-width:1100px;margin:0 auto;padding:0 24px}"
    "header{padding-top:40px}h1{font-size:2rem;line-height:1.2;margin:0}"
    "header p{color:var(--soft);margin:6px 0 0}"
    "nav{margin:18px 0;padding:10px 0;border-top:1px solid var(--line);"
    "border-bottom:1px solid var(--line)}"
    "nav a{margin-right:18px;white-space:nowrap}a{color:var(--mark)}"
    "h2{font-size:1.45rem;margin:44px 0 12px;padding-bottom:4px;border-bottom:2px solid "
    "var(--mark)}"
    "h3{font-size:1.15rem;margin:28px 0 8px}h4{font-size:1rem;margin:20px 0 6px}"
    "p{margin:10px 0;max-width:75ch}"
    ".warning{background:var(--warn);border-left:4px solid var(--warn-line);padding:10px 14px}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;"
    "margin:20px 0}"
    ".tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:14px 16px}"
    ".tile b{display:block;font-size:1.3rem;line-height:1.2;font-variant-numeric:tabular-nums}"
    ".tile span{display:block;color:var(--soft)}.tile small{color:var(--soft)}"
    ".scroll{overflow-x:auto;margin:16px 0}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    "caption{text-align:left;color:var(--soft);padding:0 0 6px}"
    "th,td{padding:5px 14px 5px 0;text-align:left;border-bottom:1px solid var(--line);"
    "vertical-align:top}th{font-weight:600}.number{text-align:right}"
    "pre{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:12px 14px;"
    "overflow-x:auto;font:13px/1.45 ui-monospace,monospace}"
    "figure{margin:22px 0;break-inside:avoid}"
    "figure img{display:block;max-width:100%;height:auto;background:#fff;border-radius:6px;"
    "border:1px solid var(--line)}"
    "figcaption{color:var(--soft);margin-top:8px;max-width:85ch}"
    "details{margin:14px 0;border:1px solid var(--line);border-radius:6px;padding:0 14px}"
    "summary{cursor:pointer;padding:10px 0;font-weight:600}"
    "footer{margin-top:60px;padding-top:14px;padding-bottom:40px;color:var(--soft);"
    "font-size:.85rem;overflow-wrap:anywhere}footer p{max-width:none;margin:4px 0}"
    "@media print{:root{--ink:#000;--soft:#444;--line:#bbb;--ground:#fff;--card:#fff;"
    "--mark:#0072b2;--warn:#fff}body{font-size:11pt}nav{display:none}h2,h3,h4{break-after:avoid}"
    "tr,.tile{break-inside:avoid}.scroll,pre{overflow:visible}pre{white-space:pre-wrap}"
    "main,header,footer{max-width:none;padding:0}}";

// Folded parts open on paper.
static const char mb_report_script[] =
    "addEventListener('beforeprint',()=>document.querySelectorAll('details').forEach("
    "d=>d.open=true))";

#endif
