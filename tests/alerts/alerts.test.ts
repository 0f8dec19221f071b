import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { tellStep } from '#scripts/local/progress.ts';
import { PATIENCE } from '../support/fault-test.ts';
import { type Rig, type Scene, startRig } from '../support/rig.ts';
import { DASHBOARDS, queryOf } from './dashboards.ts';
import type { Mark } from './drawing.ts';
import { type AlertFault, createFaults, OUTBOX_ROWS_MAX, POISON } from './faults.ts';
import { startMixedLoad } from './load.ts';
import { type Mailbox, startMailbox } from './mailbox.ts';
import { type Prometheus, type Span, startPrometheus } from './prometheus.ts';
import { type Sighting, writePictures, writeTable } from './report.ts';
import { ALERT_RULES, SCALED_RULES } from './rules.ts';

const HEALTHY_MS = 90_000;
/** The longest of the scaled times: a dead letter takes 156 s, and the window of an hour 120 s. */
const FIRES_WITHIN_MS = 200_000;
const RESOLVED_WITHIN_MS = 200_000;
const ENV = {
  ...PATIENCE,
  OUTBOX_WAITING_ROWS_MAX: String(OUTBOX_ROWS_MAX),
  RATE_LIMITS: 'on',
  // The panels about lines have values, but no line opens.
  ADMISSION_WAITING_MAX: '9999',
  LOG_LEVEL: 'warn',
  // The organizer stays signed in during the whole run.
  ACCESS_TOKEN_TTL: '7200',
};

const TARGETS = DASHBOARDS.flatMap(({ name, panels }) =>
  panels.flatMap(({ title, targets }) => targets.map((target) => ({ name, title, query: queryOf(target) }))),
);

/** `npm run test:alerts`. The first test is the control of the third one: without a fault, no alert fires. */
describe('an operator of a running system', () => {
  let mailbox: Mailbox;
  let rig: Rig;
  let prometheus: Prometheus;
  let scene: Scene & { stopLoad(): Promise<void> };
  let healthy: Span;
  const sightings: Sighting[] = [];
  const marks: Mark[] = [];

  beforeAll(async () => {
    mailbox = await startMailbox();
    rig = await startRig({ env: { ...ENV, SMTP_URL: mailbox.url } });
    const addresses = Object.values(rig.system.urls).map((url) => new URL(url).host);
    prometheus = await startPrometheus(addresses, SCALED_RULES);
    scene = await startMixedLoad(rig);
  });
  afterAll(async () => {
    await scene?.stopLoad();
    await prometheus?.stop();
    await rig?.stop();
    await mailbox?.stop();
  });

  const nowS = () => Date.now() / 1_000;

  it('sees no alert while the system is healthy and under load', async () => {
    const beginS = nowS();
    await delay(HEALTHY_MS);
    healthy = { beginS, endS: nowS() };
    expect(await prometheus.queryRange('ALERTS{alertstate="firing"}', healthy)).toEqual([]);
  });

  it.each(TARGETS)('sees a value in the dashboard $name, "$title": $query', async ({ query }) => {
    const series = await prometheus.queryRange(query, healthy);
    const values = series.flatMap((one) => one.values.map(([, value]) => Number(value)));
    expect(values.filter(Number.isFinite)).not.toEqual([]);
  });

  /** Returns when each alert was first seen in a state, in seconds from now. Alerts that do not reach it are left out. */
  async function watch(alerts: readonly string[], isWanted: boolean, timeoutMs: number): Promise<Map<string, number>> {
    const sinceS = nowS();
    const seen = new Map<string, number>();
    const look = async () => {
      const firing = await prometheus.firing();
      for (const alert of alerts) {
        if (!seen.has(alert) && firing.has(alert) === isWanted) seen.set(alert, nowS() - sinceS);
      }
      expect(seen.size).toBe(alerts.length);
    };
    await vi.waitFor(look, { timeout: timeoutMs, interval: 250 }).catch(() => undefined);
    return seen;
  }

  /** Makes a fault until its alerts fire, and waits until they are resolved. An earlier fault may have raised them too. */
  async function make({ words, alerts, ...fault }: AlertFault): Promise<void> {
    await watch(alerts, false, RESOLVED_WITHIN_MS);
    const beginS = nowS();
    const firing = watch(alerts, true, FIRES_WITHIN_MS);
    try {
      await fault.begin(scene);
      await firing;
    } finally {
      await fault.end(scene);
    }
    const mark = { text: words, beginS, endS: fault.lastsMs === 0 ? beginS : nowS() };
    const fired = await firing;
    const resolved = await watch([...fired.keys()], false, RESOLVED_WITHIN_MS);
    marks.push(mark);
    for (const alert of alerts) {
      sightings.push({ alert, fault: words, firedAfterS: fired.get(alert), resolvedAfterS: resolved.get(alert) });
    }
  }

  const told = (fault: AlertFault) => tellStep(`${fault.alerts.join(', ')}: ${fault.words}`, () => make(fault));

  it('sees each alert when its fault is made, and none after all faults have ended', async () => {
    const inTurn = async () => {
      for (const fault of createFaults(mailbox)) await told(fault);
    };
    await Promise.all([told(POISON), inTurn()]);
    await writeTable(sightings);
    await writePictures(
      prometheus,
      { beginS: healthy.beginS, endS: nowS() },
      marks.toSorted((one, other) => one.beginS - other.beginS),
    );
    expect(sightings.map(({ alert }) => alert).sort()).toEqual(ALERT_RULES.map(({ name }) => name).sort());
    const isMissing = ({ firedAfterS, resolvedAfterS }: Sighting) =>
      firedAfterS === undefined || resolvedAfterS === undefined;
    expect(sightings.filter(isMissing)).toEqual([]);
    await vi.waitFor(async () => expect([...(await prometheus.firing())]).toEqual([]), { timeout: RESOLVED_WITHIN_MS });
  });
});
