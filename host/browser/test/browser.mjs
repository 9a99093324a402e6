// A headless Chromium that looks at the page as it is served.
import chromium from '@sparticuz/chromium';
import puppeteer from 'puppeteer-core';
import { serve } from '../serve.mjs';

/** Starts server and browser; `open` gives a page, with what went wrong in it and what it asked for. */
export async function start() {
  const server = await serve();
  const origin = `http://127.0.0.1:${server.address().port}`;
  // What this build of Chromium has for a machine without a display; software drawing is enough.
  chromium.setGraphicsMode = false;
  const browser = await puppeteer.launch({
    executablePath: await chromium.executablePath(),
    args: [...puppeteer.defaultArgs({ args: chromium.args, headless: 'shell' }), '--no-sandbox'],
    headless: 'shell',
    protocolTimeout: 60_000,
  });
  return {
    origin,
    browser,
    async open(path = '/?pace=0', viewport = { width: 1440, height: 900 }, features = []) {
      const page = await browser.newPage();
      const errors = [];
      const requests = [];
      page.on('console', (message) => ['error', 'warn'].includes(message.type()) && errors.push(message.text()));
      page.on('pageerror', (error) => errors.push(String(error)));
      page.on('request', (request) => requests.push(request.url()));
      await page.setViewport(viewport);
      if (features.length > 0) await page.emulateMediaFeatures(features);
      await page.goto(path === 'about:blank' ? path : origin + path);
      return { page, errors, requests };
    },
    async stop() {
      await browser.close();
      await new Promise((done) => server.close(done));
    },
  };
}
