// Builds static/ from the pinned packages of package-lock.json. Running it twice gives the same bytes.
// What it writes is committed: neither building nor running Postern needs Node.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

process.chdir(import.meta.dirname);
const from = (path) => `node_modules/${path}`;

// The icons of lucide that a screen draws; a test fails for one that no screen names.
const icons = `a-large-small app-window arrow-down arrow-left arrow-up building-2 calendar calendar-off check check-check chevron-down chevron-right
chevrons-up-down circle-alert circle-check circle-check-big circle-dashed circle-user clock clock-alert cloud-off corner-down-left download ellipsis eye
eye-off flag flask-conical forward hand heart-pulse hourglass id-card inbox info key-round keyboard languages life-buoy link lock lock-open mail
message-circle-question-mark message-square message-square-reply mail-check mail-plus mail-x paperclip pen-line pencil phone pill plus printer refresh-cw
reply save search send settings-2 shield-check sparkles square-pen sticky-note sun trash triangle-alert undo-2 upload user user-check user-x
users x`.split(/\s+/);

const fonts = {
  "atkinson-hyperlegible-next": ["latin-wght-normal", "latin-ext-wght-normal"],
  "atkinson-hyperlegible-mono": ["latin-wght-normal", "latin-ext-wght-normal"],
  "noto-sans": ["vietnamese-wght-normal", "cyrillic-wght-normal", "cyrillic-ext-wght-normal", "greek-wght-normal"],
};

function fresh(dir) {
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(dir, { recursive: true });
}

fresh("static/icons");
for (const name of icons) {
  const svg = readFileSync(from(`lucide-static/icons/${name}.svg`), "utf8");
  const inner = svg.replace(/<!--[\s\S]*?-->/g, "").match(/<svg[^>]*>([\s\S]*)<\/svg>/)[1];
  writeFileSync(`static/icons/${name}.svg`, inner.replace(/\s+/g, " ").replace(/> </g, "><").trim() + "\n");
}
copyFileSync(from("lucide-static/LICENSE"), "static/icons/LICENSE");

fresh("static/fonts");
for (const [family, faces] of Object.entries(fonts)) {
  for (const face of faces) {
    copyFileSync(from(`@fontsource-variable/${family}/files/${family}-${face}.woff2`), `static/fonts/${family}-${face}.woff2`);
  }
  copyFileSync(from(`@fontsource-variable/${family}/LICENSE`), `static/fonts/LICENSE-${family}`);
}

copyFileSync(from("htmx.org/dist/htmx.min.js"), "static/htmx.min.js");
execFileSync(from(".bin/tailwindcss"), ["--input", "styles/app.css", "--output", "static/app.css", "--minify"], { stdio: "inherit" });
