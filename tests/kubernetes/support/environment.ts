import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import type { IContainer } from 'kubernetes-models/v1';
import { root } from '#scripts/local/settings.ts';
import { type Manifest, type OverlayName, oneOf } from './overlay.ts';

/** The keys of the production secret, from its example file. */
export const exampleKeys = (): string[] =>
  [...readFileSync(join(root, 'k8s/overlays/production/secrets.env.example'), 'utf8').matchAll(/^(\w+)=/gm)].map(
    ([, key = '']) => key,
  );

const PRIVATE_KEY = {
  kty: 'OKP',
  crv: 'Ed25519',
  kid: 'of-this-test',
  x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
  d: 'nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A',
};

/** A realistic production value for a key. */
function filledIn(key: string): string {
  if (key.includes('DATABASE_URL')) return 'mysql://somebody:7d1c5a@mysql.internal:3306/some_db';
  if (key === 'REDIS_URL') return 'rediss://:7d1c5a@redis.internal:6379';
  if (key === 'NATS_URL_GATEWAY') return 'nats://gateway:7d1c5a@nats.internal:4222';
  if (key === 'NATS_URL') return 'nats://somebody:7d1c5a@nats.internal:4222';
  if (key === 'SMTP_URL') return 'smtp://somebody:7d1c5a@mail.internal:587';
  const { d: _private, ...publicKey } = PRIVATE_KEY;
  if (key.endsWith('_PUBLIC_KEYS')) return JSON.stringify({ keys: [publicKey] });
  if (key.endsWith('_PRIVATE_KEY')) return JSON.stringify(PRIVATE_KEY);
  return `${key.toLowerCase()}-e3b0c44298fc1c14`;
}

/** The values of the secret "ebs": those of minikube, or realistic values for the keys of the production example. */
export function secretOf(overlay: OverlayName, manifests: readonly Manifest[]): Record<string, string> {
  if (overlay === 'production') return Object.fromEntries(exampleKeys().map((key) => [key, filledIn(key)]));
  const { data = {} } = oneOf(manifests, 'Secret', 'ebs');
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

/** Stands in for every CA certificate that a pod reads from a volume. */
const CERTIFICATE = join(mkdtempSync(join(tmpdir(), 'ebs-certificate-')), 'ca.pem');
writeFileSync(CERTIFICATE, rootCertificates[0] ?? '');

/**
 * A container's variables as the kubelet would set them. A path in a volume is replaced by a local certificate file.
 * @throws when a map, secret or key is missing
 */
export function environmentOf(
  { env = [], envFrom = [], volumeMounts = [] }: IContainer,
  manifests: readonly Manifest[],
  secret: Record<string, string>,
): Record<string, string> {
  const config = envFrom.map(({ configMapRef }) => oneOf(manifests, 'ConfigMap', configMapRef?.name ?? '').data ?? {});
  const own = env.flatMap(({ name, value, valueFrom }) => {
    const { name: from, key = '', optional = false } = valueFrom?.secretKeyRef ?? {};
    const set = valueFrom === undefined ? value : from === 'ebs' ? secret[key] : undefined;
    if (set === undefined && !optional) throw new Error(`${name}: the secret ${from} has no ${key}`);
    return set === undefined ? [] : [[name, set]];
  });
  const all: Record<string, string> = Object.assign({}, ...config, Object.fromEntries(own));
  const isMounted = (path: string) => volumeMounts.some(({ mountPath }) => path.startsWith(`${mountPath}/`));
  return Object.fromEntries(Object.entries(all).map(([name, value]) => [name, isMounted(value) ? CERTIFICATE : value]));
}
