import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { inject } from 'vitest';
import { findProgram } from '#scripts/local/programs.ts';
import { silentStep } from '#scripts/local/progress.ts';
import { requirePrograms } from '#scripts/local/servers/install.ts';

/** The browser cannot resolve any host name, as on a machine without internet access. */
const ARGUMENTS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--no-first-run',
  '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
];

/** Starts Chromium. Installs Debian's package if there is none and CHROMIUM_PATH names none. */
export async function launchBrowser(): Promise<Browser> {
  const given = process.env.CHROMIUM_PATH;
  if (!given) await requirePrograms(['chromium'], inject('servers').dataDir, silentStep);
  return chromium.launch({ executablePath: given || (findProgram('chromium') ?? ''), args: ARGUMENTS });
}

export interface Visitor {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors that the browser has reported, including forbidden scripts and styles. */
  readonly complaints: string[];
}

/** Opens a page like a new visitor: without cookies, storage or cache. */
export async function openVisitor(
  browser: Browser,
  options: Parameters<Browser['newContext']>[0] = {},
): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Europe/Berlin', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', ({ message }) => complaints.push(message));
  return { page, context, complaints };
}
