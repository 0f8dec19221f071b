import { Writable } from 'node:stream';
import { pino } from 'pino';
import { createMetrics } from '#platform/process/metrics.ts';
import { SUBGRAPHS, type SubgraphName, subgraphSetting } from '#services';
import { createGateway } from '../app.ts';
import { readGatewayConfig } from '../config.ts';
import { requiredEnv } from './credentials.ts';
import { type Behaviour, refusedUrl, type StandIn, startStandIn } from './stand-in.ts';

export interface Answer {
  status: number;
  text: string;
  body: {
    data?: unknown;
    errors?: { message: string; path?: unknown; extensions: Record<string, unknown> }[];
    extensions?: unknown;
  };
}

/** No server listens here: each test gateway counts rate limits on its own, and its subscriptions are paused. */
const REDIS_URL = 'redis://127.0.0.1:1';
const NATS_URL = 'nats://127.0.0.1:1';

/** Starts the gateway on a free port with stand-ins for the given subgraphs. The other subgraphs refuse connections. */
export async function startTestGateway(
  behaviours: Partial<Record<SubgraphName, Behaviour>> = {},
  env: NodeJS.ProcessEnv = {},
) {
  const stops: (() => unknown)[] = [];
  const standIns = {} as Record<SubgraphName, StandIn>;
  const urls: NodeJS.ProcessEnv = {};
  for (const name of SUBGRAPHS) {
    const behave = behaviours[name];
    if (behave !== undefined) {
      standIns[name] = await startStandIn(behave);
      stops.push(standIns[name].stop);
    }
    urls[subgraphSetting(name, 'URL')] = standIns[name]?.url ?? (await refusedUrl());
  }
  const logs: { level: string; msg: string; requestId?: string }[] = [];
  const sink = new Writable({ write: (line, _encoding, done) => done(void logs.push(JSON.parse(String(line)))) });
  const logger = pino({ level: 'debug', formatters: { level: (level) => ({ level }) } }, sink);
  const metrics = createMetrics('gateway');
  const gateway = await createGateway({
    config: readGatewayConfig({ ...requiredEnv, ...urls, REDIS_URL, NATS_URL, PORT: '0', RATE_LIMITS: 'off', ...env }),
    logger,
    metrics,
    lifecycle: { stopping: false, onStop: (_name, step) => void stops.push(step) },
  });
  const url = await gateway.listen({ host: '127.0.0.1', port: 0 });

  return {
    url,
    logs,
    standIns,
    /** The values of a counter by its labels. */
    async counted(name: string): Promise<Record<string, number>> {
      const { values = [] } = (await metrics.getSingleMetric(name)?.get()) ?? {};
      return Object.fromEntries(
        values.map(({ labels: { service: _, ...labels }, value }) => [Object.values(labels).join(), value]),
      );
    },
    /** Posts one operation. */
    async ask(query: string, { variables = {}, headers = {} } = {}): Promise<Answer> {
      const response = await fetch(`${url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      });
      const text = await response.text();
      return { status: response.status, text, body: JSON.parse(text) };
    },
    async stop() {
      for (const stop of stops.reverse()) await stop();
    },
  };
}
