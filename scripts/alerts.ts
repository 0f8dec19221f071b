/**
 * npm run alerts
 *
 * Writes the alert rules of monitoring/alerts.yml as an object for Kubernetes: k8s/components/monitoring/alerts.yaml.
 * Kustomize itself cannot put the content of a file into an object.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runScript } from './local/run-script.ts';
import { LocalError, root } from './local/settings.ts';

const RULES = 'monitoring/alerts.yml';
const FILE = 'k8s/components/monitoring/alerts.yaml';
const HEAD = `# Written by npm run alerts from ${RULES}.
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: event-booking-system
spec:
`;

/** Updates the PrometheusRule, or only checks it. @throws LocalError when it is outdated */
export function writeAlerts({ checkOnly = false } = {}): void {
  const rules = readFileSync(join(root, RULES), 'utf8');
  const groups = rules.slice(rules.search(/^groups:/m));
  const wanted = HEAD + groups.replace(/^(?=.)/gm, '  ');
  const path = join(root, FILE);
  if (checkOnly && readFileSync(path, 'utf8') !== wanted) {
    throw new LocalError(`${FILE} does not match ${RULES}. Run: npm run alerts`);
  }
  if (!checkOnly) writeFileSync(path, wanted);
}

if (import.meta.main) {
  await runScript(() => {
    writeAlerts();
    console.log(`${FILE} is up to date.`);
  });
}
