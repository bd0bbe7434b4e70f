// How a report looks: on a screen by day and by night, on a phone, on paper. Colours that say
// something never say it alone; each has a word, a sign or a place beside it.
#include "report/html_parts.hpp"

namespace vmconvert::report {

std::string_view style_sheet() {
  return R"css(:root{--bg:#fbfaf8;--card:#fff;--ink:#1d2329;--soft:#586069;--line:#dcdad5;--link:#0b5cad;
--good:#17693a;--good-bg:#dff3e5;--bad:#a1231b;--bad-bg:#fde4e1;--warn:#7a4d00;--warn-bg:#fdf0cf;
--calm:#34506b;--calm-bg:#e3edf6;--src:#8fb4d9;--made:#b9b3a7;--part:#a9cdb5;--need:#2f74b5;
--patch:#d9480f;--skip:#eceae5;--code:#f3f1ec;--term:#14181c;--term-ink:#d7dde2;
--layout:#8d99ae;--appliance:#6a7fb5;--trial:#b07aa1;--copy:#2f74b5;--verify:#3d8b6a;--define:#c58b2a}
@media (prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1c2024;--ink:#e6e8ea;--soft:#a3abb3;
--line:#343a40;--link:#79b8ff;--good:#7ddba0;--good-bg:#173a25;--bad:#ff9a92;--bad-bg:#4a1d1a;
--warn:#f0c674;--warn-bg:#43340f;--calm:#a9c8e6;--calm-bg:#1f3347;--src:#2f567c;--made:#5d574c;
--part:#2c5a3d;--need:#4f9be0;--patch:#ff8a50;--skip:#2a2f34;--code:#23282d;--term:#0c0e10;
--term-ink:#d7dde2;--layout:#7f8aa0;--appliance:#7f95d1;--trial:#c490b5;--copy:#4f9be0;
--verify:#55ad89;--define:#d9a441}}
*{box-sizing:border-box}html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0 auto;overflow-wrap:anywhere;max-width:66rem;padding:0 1.25rem 3rem;background:var(--bg);color:var(--ink);
font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
header{padding:2.5rem 0 1rem}.over{margin:0;color:var(--soft);font-size:.9rem}
h1{margin:.1em 0 .3em;font-size:2.3rem;line-height:1.15;letter-spacing:-.015em;overflow-wrap:anywhere}
h2{margin:0 0 .7em;font-size:1.3rem;line-height:1.3}h3{margin:1.6em 0 .5em;font-size:1.05rem}
p{margin:.5em 0}a{color:var(--link)}.soft,small{color:var(--soft)}
.verdict{display:inline-block;margin:.2em 0;padding:.35em .9em;border-radius:2em;font-weight:600}
.good{color:var(--good);background:var(--good-bg)}.bad{color:var(--bad);background:var(--bad-bg)}
.warn{color:var(--warn);background:var(--warn-bg)}.calm{color:var(--calm);background:var(--calm-bg)}
.error{padding:.7em 1em;border-left:4px solid var(--bad);background:var(--bad-bg);overflow-wrap:anywhere}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.8rem;margin:1.4rem 0 0}
.numbers div{min-width:0;padding:.8rem 1rem;background:var(--card);border:1px solid var(--line);border-radius:.6rem}
dt{color:var(--soft);font-size:.85rem}dd{margin:0;font-size:1.5rem;font-weight:600;line-height:1.3}
dd small{display:block;font-size:.82rem;font-weight:400}
nav{position:sticky;top:0;z-index:1;margin:0 -1.25rem;padding:.5rem 1.25rem;background:var(--bg);
border-bottom:1px solid var(--line)}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:0;padding:0;list-style:none;font-size:.92rem}
section{margin:1.4rem 0;padding:1.4rem 1.5rem 1.6rem;background:var(--card);border:1px solid var(--line);
border-radius:.8rem;scroll-margin-top:3.5rem}section section{padding:0;border:0}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:2px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;z-index:2;background:var(--card);padding:.5em 1em}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:.93rem}
caption{text-align:left;color:var(--soft);padding:0 0 .5em}
th,td{padding:.42em .8em .42em 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;overflow-wrap:anywhere}
thead th{color:var(--soft);font-weight:600;font-size:.85rem;white-space:nowrap}tbody th{font-weight:600}
.facts th{width:11rem;color:var(--soft);font-weight:400}
.tag{display:inline-block;padding:0 .6em;border-radius:1em;font-size:.85rem;font-weight:600;white-space:nowrap}
.steps{padding-left:1.6em}.steps li{overflow-wrap:anywhere}
code,pre{font:.9em/1.5 ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{overflow-wrap:anywhere}pre{margin:0;padding:.8em 1em;width:max-content;min-width:100%}
.diff,.console{overflow:auto;max-height:34rem;margin:.5em 0 1em;border:1px solid var(--line);border-radius:.5rem;background:var(--code)}
.diff ins,.diff del,.diff .meta,.diff .hunk{display:inline-block;min-width:100%;text-decoration:none}
.diff ins{background:var(--good-bg);color:var(--good)}.diff del{background:var(--bad-bg);color:var(--bad)}
.meta,.hunk{color:var(--soft)}.plus{color:var(--good)}.minus{color:var(--bad)}
summary{cursor:pointer;padding:.25em 0}.one{padding-left:1.1em}
.count{color:var(--soft);font-weight:400;font-size:1rem}
.console{background:var(--term);color:var(--term-ink);border-color:var(--term)}
.console mark{background:#f5c542;color:#14181c;font-weight:700}
figure{margin:1em 0}svg{display:block}.disk,.time,.rate{width:100%;min-width:40rem;height:auto}
svg text{fill:var(--ink);font:13px system-ui,"DejaVu Sans",sans-serif}svg .small,svg .s{font-size:12px}svg .s{fill:var(--soft)}
svg .h{fill:var(--soft);font-weight:600}svg .tick,svg .grid{stroke:var(--line)}
.src{fill:var(--src)}.made{fill:var(--made)}.part{fill:var(--part)}.need{fill:var(--need)}
.patch{fill:var(--patch)}rect.skip{fill:var(--skip)}
.src,.part,.made{stroke:var(--card);stroke-width:1.5}
.st{fill:var(--layout)}.st-appliance{fill:var(--appliance)}.st-trial{fill:var(--trial)}
.st-copy{fill:var(--copy)}.st-verify{fill:var(--verify)}.st-define{fill:var(--define)}
.legend{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;margin:.6em 0;padding:0;list-style:none;font-size:.88rem;color:var(--soft)}
.legend li{display:flex;align-items:center;gap:.45em}figcaption{color:var(--soft);font-size:.9rem}
tfoot th,tfoot td{border-bottom:0;font-weight:600}th small{font-weight:400;overflow-wrap:anywhere}
.way{display:inline-block;width:calc(100% - 4rem);max-width:24rem;height:.8rem;margin-right:.8rem;vertical-align:middle}
.saved{width:100%;height:2.2rem}.wide table.many{min-width:60rem}.many tbody th{min-width:9rem;overflow-wrap:anywhere}
.many .n{white-space:nowrap}.many .id{min-width:10.5rem}.many code{font-size:.8rem}.many .why{min-width:18rem;overflow-wrap:anywhere}
.wide table.todo{min-width:0}
footer{color:var(--soft);font-size:.9rem}
@media (max-width:40rem){body{padding:0 .8rem 2rem}nav{margin:0 -.8rem;padding:.4rem .8rem;overflow-x:auto}
nav ul{flex-wrap:nowrap;white-space:nowrap}section{padding:1rem;margin:1rem 0}h1{font-size:1.7rem}
.verdict{border-radius:.6rem}.numbers{grid-template-columns:1fr 1fr}dd{font-size:1.2rem}.facts th{width:7.5rem}
.wide table:not(.facts,.many){min-width:34rem}.disk,.time,.rate{min-width:52rem}
.many :is(tbody,tfoot) th,.many thead th:first-child{position:sticky;left:0;width:8rem;min-width:8rem;background:var(--card)}
.wide table.todo{min-width:30rem}.many .why{min-width:11rem}}
@media print{:root{--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;--term:#fff;--term-ink:#000;
--code:#fff;--link:#000;--good:#0b5a2b;--good-bg:#fff;--bad:#8a1a13;--bad-bg:#fff;--warn:#5e3b00;
--warn-bg:#fff;--calm:#222;--calm-bg:#fff;--src:#8fb4d9;--made:#b9b3a7;--part:#a9cdb5;--need:#2f74b5;
--patch:#d9480f;--skip:#f0f0f0}
body{max-width:none;padding:0;font-size:10.5pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
nav,.skip{display:none}section{border:0;padding:0;margin:1.2em 0}header{padding:0}
h2{border-bottom:1px solid var(--line);break-after:avoid}h3,summary,thead{break-after:avoid}
figure,tr,.numbers div{break-inside:avoid}.diff,.console{max-height:none;overflow:visible}
pre{white-space:pre-wrap;overflow-wrap:anywhere;width:auto;font-size:8.5pt}.verdict,.tag{border:1px solid}
.disk,.time,.rate,.wide table.many{min-width:0}.wide{overflow:visible}
details::details-content{display:block;content-visibility:visible}.wide table.many{font-size:7.5pt}
.many :is(thead th,.tag,small){font-size:7pt}.numbers{grid-template-columns:repeat(5,1fr);gap:.4rem}
.numbers div{padding:.5rem}dd{font-size:1rem}.many tbody th,.many .id,.many .why{min-width:0}.many .n{white-space:normal}.many code{font-size:6.5pt}.console mark{border:1px solid #000}
@page{margin:16mm}}
)css";
}

}  // namespace vmconvert::report
