// Scores texts with exported files in MediaPipe's text classifier for the web.
//
//   node classify.mjs MODEL.tflite... < texts.json > scores.json
//
// In: a JSON list of texts. Out: a line for each model, a JSON list that holds for each text, in
// order, the scores by label, all from one TextClassifier. What a page complains of goes to stderr
// and makes the exit code 1. CHROMIUM says where the browser is, if not at /usr/bin/chromium.
// Nothing but loopback is reached.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

const PACKAGE = fileURLToPath(new URL("node_modules/@mediapipe/tasks-text", import.meta.url));
const PAGE = '<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">';
const TYPES = {
  "": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};
const METRICS = "https://odml.pa.googleapis.com/"; // where the package reports how it is used

/** Serves the contents at their paths, and the package at all others; resolves to the server. */
async function serve(contents) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, "http://127.0.0.1"); // which resolves any ".."
    try {
      const body = contents.get(pathname) ?? (await readFile(join(PACKAGE, pathname)));
      const type = TYPES[extname(pathname)] ?? "application/octet-stream";
      response.writeHead(200, { "content-type": type }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  return server;
}

/** Runs in the page, without anything that stands outside of it. */
async function classify(model) {
  const { FilesetResolver, TextClassifier } = await import("/text_bundle.mjs");
  // Parsed here: on the way to a page, half of a surrogate pair would become another character.
  const texts = await (await fetch("/texts.json")).json();
  const modelAssetBuffer = new Uint8Array(await (await fetch(model)).arrayBuffer());
  const fileset = await FilesetResolver.forTextTasks("/wasm");
  const options = { baseOptions: { modelAssetBuffer } };
  const classifier = await TextClassifier.createFromOptions(fileset, options);
  const scores = texts.map((text) => {
    const { categories } = classifier.classify(text).classifications[0];
    return Object.fromEntries(categories.map(({ categoryName, score }) => [categoryName, score]));
  });
  classifier.close();
  return scores;
}

/** What a new page says of the texts; throws if it complains. */
async function ask(browser, origin, model) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    // The runtime writes all that a program would write to stderr as errors: its notes too.
    const note = message.text().startsWith("INFO: ");
    const blocked = message.location().url.startsWith(METRICS);
    if (message.type() === "error" && !note && !blocked) complaints.push(message.text());
  });
  await page.route(
    (url) => url.origin !== origin,
    async (route) => {
      const url = route.request().url();
      if (!url.startsWith(METRICS)) complaints.push(`The page asked for ${url}`);
      await route.abort();
    },
  );
  await page.goto(origin);
  const scores = await page.evaluate(classify, model).catch((error) => {
    complaints.push(error.message);
  });
  await page.close();
  if (complaints.length) throw new Error(complaints.join("\n"));
  return scores;
}

const paths = process.argv.slice(2);
const contents = new Map([
  ["/", PAGE],
  ["/texts.json", await buffer(process.stdin)],
]);
for (const [number, path] of paths.entries()) {
  contents.set(`/${number}.tflite`, await readFile(path));
}
const server = await serve(contents);
let browser;
try {
  const origin = `http://127.0.0.1:${server.address().port}`;
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--disable-gpu",
      "--disable-quic",
      "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", // for the browser's own requests
    ],
  });
  for (const [number, path] of paths.entries()) {
    try {
      console.log(JSON.stringify(await ask(browser, origin, `/${number}.tflite`)));
    } catch (error) {
      console.error(`${path}: ${error.message}`);
      process.exitCode = 1;
    }
  }
} finally {
  await browser?.close();
  server.close();
}
