import { beforeAll, describe, expect, it } from 'vitest';
import { PROBE_TIMEOUT_MS, SILENCE_MS_MAX } from '#platform/clients/breaker.ts';
import { CONNECT_TIMEOUT_MS, KEEP_ALIVE_MS, SERVER_SHARE } from '#platform/clients/graphql-client.ts';
import {
  LOCK_WAIT_S,
  POOL_IDLE_S,
  SILENT_CONNECTION_S,
  SOCKET_TIMEOUT_MS,
  STATEMENT_TIMEOUT_MS,
  TRANSACTION_LIMITS,
} from '#platform/database/database.ts';
import { MIGRATION_TIMEOUT_MS } from '#platform/database/migrations.ts';
import { CHECK_TIMEOUT_MS } from '#platform/process/readiness.ts';
import { SOURCE_TIMEOUT_MS } from '#platform/redis/cache.ts';
import { SUBGRAPHS } from '#services';
import { readGatewayConfig } from '../../gateway/config.ts';
import { readConfig as readBookingConfig } from '../../subgraphs/booking/config.ts';
import { environmentOf, secretOf } from './support/environment.ts';
import { type Manifest, OVERLAYS, type OverlayName, oneOf, RENDER, renderOverlay } from './support/overlay.ts';

/** For the migration and for operators. */
const SPARE_CONNECTIONS = 10;

/** The max_connections of our own server, or the value that the overlay requires of a managed server. */
function maxConnections(overlay: OverlayName, manifests: readonly Manifest[]): number {
  if (overlay === 'production') {
    const { metadata } = oneOf(manifests, 'Namespace', 'ebs');
    return Number(metadata?.annotations?.['event-booking-system/mysql-max-connections']);
  }
  const [mysql] = oneOf(manifests, 'StatefulSet', 'mysql').spec?.template.spec?.containers ?? [];
  return Number(mysql?.args?.find((arg) => arg.startsWith('--max-connections='))?.split('=')[1]);
}

/** The highest number of connections: every autoscaler at its maximum, during a rollout. */
function connectionsMax(manifests: readonly Manifest[], poolMax: number): number {
  const pods = SUBGRAPHS.map((name) => {
    const { minReadySeconds = 0, strategy, template } = oneOf(manifests, 'Deployment', name).spec ?? {};
    const { maxReplicas = 0 } = oneOf(manifests, 'HorizontalPodAutoscaler', name).spec ?? {};
    // The rollout waits minReadySeconds between two pods. A stopping pod keeps its connections for the grace period.
    const goingMax = Math.ceil((template?.spec?.terminationGracePeriodSeconds ?? 30) / Math.max(minReadySeconds, 1));
    return maxReplicas + Number(strategy?.rollingUpdate?.maxSurge) + goingMax;
  });
  return pods.reduce((sum, count) => sum + count * poolMax, SPARE_CONNECTIONS);
}

describe.each(OVERLAYS)('K3: the time limits and pool sizes of %s fit together', (overlay) => {
  let manifests: Manifest[];
  let gateway: ReturnType<typeof readGatewayConfig>;
  let booking: ReturnType<typeof readBookingConfig>;
  beforeAll(async () => {
    manifests = await renderOverlay(overlay);
    const environment = (name: string) => {
      const [container] = oneOf(manifests, 'Deployment', name).spec?.template.spec?.containers ?? [];
      return environmentOf(container ?? { name }, manifests, secretOf(overlay, manifests));
    };
    gateway = readGatewayConfig(environment('gateway'));
    booking = readBookingConfig(environment('booking'));
  }, RENDER);

  it('the database server accepts the pools of all pods, even during a rollout', () => {
    const allowed = maxConnections(overlay, manifests);
    expect(connectionsMax(manifests, booking.DATABASE_POOL_MAX)).toBeLessThanOrEqual(allowed);
    expect(connectionsMax(manifests, 2 * booking.DATABASE_POOL_MAX)).toBeGreaterThan(allowed);
  });

  it.each(['gateway', ...SUBGRAPHS])('%s can stop within its grace period', (name) => {
    const { terminationGracePeriodSeconds = 30 } = oneOf(manifests, 'Deployment', name).spec?.template.spec ?? {};
    for (const { DRAIN_DELAY_MS, STOP_TIMEOUT_MS } of [gateway, booking]) {
      expect(DRAIN_DELAY_MS + STOP_TIMEOUT_MS).toBeLessThan(terminationGracePeriodSeconds * 1_000);
      expect(STOP_TIMEOUT_MS).toBeGreaterThan(gateway.OPERATION_TIMEOUT_MS);
    }
  });

  it('clients close idle connections between services before a stopping server does', () => {
    expect(KEEP_ALIVE_MS).toBeLessThan(booking.DRAIN_DELAY_MS);
  });

  it('the pool drops an idle database connection first, then the process closes it, then the server', () => {
    const waitsMs = [POOL_IDLE_S * 1_000, SOCKET_TIMEOUT_MS, TRANSACTION_LIMITS.timeout, SILENT_CONNECTION_S * 1_000];
    expect(waitsMs.toSorted((one, other) => one - other)).toEqual(waitsMs);
    expect(new Set(waitsMs).size).toBe(waitsMs.length);
  });

  const expectDescending = (waitsMs: readonly number[]) => {
    expect(waitsMs.toSorted((one, other) => other - one)).toEqual(waitsMs);
    expect(new Set(waitsMs).size).toBe(waitsMs.length);
  };

  it('each time limit of a mutation is longer than the next inner one: operation, subgraph, statement, lock', () => {
    const { OPERATION_TIMEOUT_MS, SUBGRAPH_TIMEOUT_MS } = gateway;
    expectDescending([OPERATION_TIMEOUT_MS, SUBGRAPH_TIMEOUT_MS, STATEMENT_TIMEOUT_MS, LOCK_WAIT_S * 1_000]);
    expectDescending([SUBGRAPH_TIMEOUT_MS * SERVER_SHARE, booking.BOOKING_QUEUE_TIMEOUT_MS]);
    expectDescending([SUBGRAPH_TIMEOUT_MS * SERVER_SHARE, booking.USER_SUBGRAPH_TIMEOUT_MS]);
  });

  it('each time limit of a query is longer than the next inner one: operation, subgraph, nested call, connection', () => {
    const { OPERATION_TIMEOUT_MS, SUBGRAPH_QUERY_TIMEOUT_MS } = gateway;
    const answerMs = SUBGRAPH_QUERY_TIMEOUT_MS * SERVER_SHARE;
    expectDescending([OPERATION_TIMEOUT_MS, SUBGRAPH_QUERY_TIMEOUT_MS, answerMs, booking.EVENT_SUBGRAPH_TIMEOUT_MS]);
    expectDescending([answerMs, SOURCE_TIMEOUT_MS]);
    // This leaves time for a second attempt after a connect time-out.
    expectDescending([booking.EVENT_SUBGRAPH_TIMEOUT_MS, 2 * CONNECT_TIMEOUT_MS]);
  });

  it('a hanging subgraph is detected within 3 s', () => {
    expect(SILENCE_MS_MAX + PROBE_TIMEOUT_MS).toBeLessThan(3_000);
  });

  it.each(['gateway', ...SUBGRAPHS])('the probes of %s wait longer than the checks behind them', (name) => {
    const { spec } = oneOf(manifests, 'Deployment', name);
    const { readinessProbe, livenessProbe } = spec?.template.spec?.containers[0] ?? {};
    expect((readinessProbe?.timeoutSeconds ?? 1) * 1_000).toBeGreaterThan(CHECK_TIMEOUT_MS);
    expect(livenessProbe?.timeoutSeconds).toBeGreaterThan(readinessProbe?.timeoutSeconds ?? 1);
    expect((spec?.progressDeadlineSeconds ?? 0) * 1_000).toBeGreaterThan(MIGRATION_TIMEOUT_MS);
  });
});
