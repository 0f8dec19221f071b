import {
  brokerSettings,
  databaseSettings,
  parseConfig,
  processSettings,
  secrets,
  tokenSettings,
} from '#platform/config.ts';

/** The notification subgraph's settings. @throws ConfigError */
export const readNotificationConfig = (env: NodeJS.ProcessEnv) =>
  parseConfig(
    {
      ...processSettings(4004),
      ...databaseSettings('notification_db'),
      ...brokerSettings,
      ...tokenSettings,
      NOTIFICATION_SUBGRAPH_SECRET: secrets,
    },
    env,
  );
