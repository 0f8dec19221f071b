import { configOrExit } from '#platform/process/config.ts';
import { createLifecycle } from '#platform/process/lifecycle.ts';
import { createLogger } from '#platform/process/logger.ts';
import { createMetrics } from '#platform/process/metrics.ts';
import { createGateway } from './app.ts';
import { readGatewayConfig } from './config.ts';

const config = configOrExit(readGatewayConfig);
const logger = createLogger({ service: 'gateway', level: config.LOG_LEVEL });
const metrics = createMetrics('gateway');
const lifecycle = createLifecycle({
  logger,
  drainDelayMs: config.DRAIN_DELAY_MS,
  stopTimeoutMs: config.STOP_TIMEOUT_MS,
});

const gateway = await createGateway({ config, logger, metrics, lifecycle });
await gateway.listen({ host: config.HOST, port: config.PORT });
