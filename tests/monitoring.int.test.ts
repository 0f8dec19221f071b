import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { silentStep } from '#scripts/local/progress.ts';
import { findPrograms } from '#scripts/local/servers/servers.ts';
import { root } from '#scripts/local/settings.ts';

/** The first run may install the program. */
const INSTALL_TIMEOUT_MS = 300_000;

describe('the configuration of Prometheus', () => {
  let command: string;
  let given: readonly string[];
  beforeAll(async () => {
    const { dataDir } = inject('servers');
    const commandOf = await findPrograms(['promtool'], { database: 'mariadb', dataDir, step: silentStep });
    [command = '', ...given] = commandOf('promtool');
  }, INSTALL_TIMEOUT_MS);

  const promtool = (...args: string[]) =>
    spawnSync(command, [...given, ...args], { cwd: join(root, 'monitoring'), encoding: 'utf8' });

  it.each([
    ['check', 'config', 'prometheus.yml'],
    ['check', 'rules', 'alerts.yml'],
    ['test', 'rules', 'alerts.test.yml'],
  ])('promtool %s %s %s', (...args) => {
    const { status, stdout, stderr } = promtool(...args);
    expect({ status, output: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, output: '' });
  });

  it('has a runbook and a test for each alert', () => {
    const rules = readFileSync(join(root, 'monitoring/alerts.yml'), 'utf8');
    const names = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
    const links = [...rules.matchAll(/runbook: docs\/runbooks\.md#(\w+)/g)].map(([, anchor]) => anchor);
    expect(links).toEqual(names.map((name) => name.toLowerCase()));
    const headings = [...readFileSync(join(root, 'docs/runbooks.md'), 'utf8').matchAll(/^## (\w+)$/gm)];
    expect(headings.map(([, name]) => name)).toEqual(names);
    const tested = readFileSync(join(root, 'monitoring/alerts.test.yml'), 'utf8');
    for (const name of names) expect(tested).toContain(name);
  });
});
