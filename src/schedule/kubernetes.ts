/**
 * CronJobs for Kubernetes (batch/v1), and the claim for what a host remembers. `Forbid` and the lock keep two runs apart;
 * `startingDeadlineSeconds` makes up for what was missed. Pods run as nobody, without rights, on a file system that is not theirs.
 */
import { basename, dirname, relative } from 'node:path';
import { stringify } from 'yaml';
import { shellWord } from '../shell-word.ts';
import { cronTime, waitingScript } from './cron.ts';
import { insideFolder, outsideFolder } from './errors.ts';
import type { Job, ScheduleFacts } from './plan.ts';

export interface KubernetesFacts extends ScheduleFacts {
  /** With this program in it, and the client programs of the databases. */
  readonly image: string;
  readonly namespace: string | undefined;
  /** The name under which this host writes: a pod has another one each time. */
  readonly writer: string;
  readonly stateDir: string;
  /** Absolute paths of what the configuration names: keys, subject maps, certificates. All below its folder. */
  readonly files: readonly string[];
  /** A store in a folder. */
  readonly storeFolder: string | undefined;
  /** Folders of SQLite databases and of files, by set. */
  readonly data: readonly { readonly set: string; readonly folder: string; readonly written: boolean }[];
}

const SECRET = 'holdfast';
const ENVIRONMENT = 'holdfast-environment';
const USER = 10_001;
const DAY_SECONDS = 86_400;

/** @throws HoldfastError SCHEDULE_OUTSIDE, SCHEDULE_INSIDE */
export function kubernetesText(facts: KubernetesFacts, jobs: readonly Job[]): string {
  mustFitIntoPod(facts);
  const objects = [claim(facts), ...jobs.map((job) => cronJob(facts, job))];
  return `${introduction(facts)}${objects.map((one) => `---\n${stringify(one, { lineWidth: 0 })}`).join('')}`;
}

/** The configuration comes as a secret, which is a folder that nobody can write to or mount into. */
function mustFitIntoPod({ configFile, files, stateDir, storeFolder, data }: KubernetesFacts): void {
  const folder = dirname(configFile);
  const isBelow = (path: string) => !relative(folder, path).startsWith('..');
  const outside = files.find((file) => !isBelow(file));
  if (outside !== undefined) throw outsideFolder(outside, folder);
  const inside = [stateDir, storeFolder, ...data.map((one) => one.folder)].find(
    (path) => path !== undefined && isBelow(path),
  );
  if (inside !== undefined) throw insideFolder(inside, folder);
}

/** What a cluster has to have before, with the commands. */
function introduction(facts: KubernetesFacts): string {
  const { configFile, namespace, data, storeFolder } = facts;
  const folder = dirname(configFile);
  const where = namespace === undefined ? '' : ` --namespace ${shellWord(namespace)}`;
  const files = filesOf(facts).map(({ key, path }) => shellWord(`--from-file=${key}=${path}`));
  const claims = volumesOf(facts).flatMap(({ claimName }) => claimName ?? []);
  return [
    '# As `holdfast schedule --kubernetes` writes it. Before it is applied, in the folder of the configuration:',
    `#   cd ${shellWord(folder)}`,
    `#   kubectl create secret generic ${SECRET}${where} \\`,
    `#     ${files.join(' \\\n#     ')}`,
    `#   kubectl create secret generic ${ENVIRONMENT}${where} --from-env-file=environment`,
    `# The image has holdfast and the client programs of the databases. Never put the private key of a recipient into a cluster.`,
    ...(data.length + (storeFolder === undefined ? 0 : 1) > 0
      ? [`# These claims have to be there: ${claims.filter((name) => name !== STATE).join(', ')}.`]
      : []),
    '',
  ].join('\n');
}

const STATE = 'holdfast-state';

function claim({ namespace }: KubernetesFacts): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: metadata(STATE, namespace),
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '5Gi' } } },
  };
}

function metadata(name: string, namespace: string | undefined): object {
  return {
    name,
    ...(namespace !== undefined && { namespace }),
    labels: { 'app.kubernetes.io/name': 'holdfast' },
  };
}

function cronJob(facts: KubernetesFacts, job: Job): object {
  const { everyHours } = job.when;
  return {
    apiVersion: 'batch/v1',
    kind: 'CronJob',
    metadata: metadata(`holdfast-${job.name}`, facts.namespace),
    spec: {
      schedule: cronTime(job.when),
      timeZone: 'Etc/UTC',
      concurrencyPolicy: 'Forbid',
      startingDeadlineSeconds: Math.min(DAY_SECONDS / 4, (everyHours * 3600) / 2),
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 3,
      jobTemplate: {
        spec: {
          backoffLimit: job.name === 'backup' ? 2 : 0,
          activeDeadlineSeconds: Math.min(DAY_SECONDS, everyHours * 3600),
          template: { metadata: { labels: { 'app.kubernetes.io/name': 'holdfast' } }, spec: pod(facts, job) },
        },
      },
    },
  };
}

function pod(facts: KubernetesFacts, job: Job): object {
  const command = [facts.program, '--config', facts.configFile, ...job.args];
  const volumes = volumesOf(facts);
  return {
    restartPolicy: 'Never',
    // The default name of a writer: the next pod goes on with the chain of this one.
    hostname: facts.writer,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      fsGroupChangePolicy: 'OnRootMismatch',
      seccompProfile: { type: 'RuntimeDefault' },
    },
    containers: [
      {
        name: 'holdfast',
        image: facts.image,
        command:
          job.jitterSeconds > 0 ? ['/bin/sh', '-c', waitingScript(job.jitterSeconds, command)] : command,
        env: [{ name: 'HOME', value: '/tmp' }],
        envFrom: [{ secretRef: { name: ENVIRONMENT, optional: true } }],
        resources: { requests: { cpu: '100m', memory: '256Mi' }, limits: { memory: '1Gi' } },
        securityContext: {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        },
        volumeMounts: volumes.map(({ name, mountPath, readOnly }) => ({
          name,
          mountPath,
          ...(readOnly && { readOnly }),
        })),
      },
    ],
    volumes: volumes.map(({ name, source }) => ({ name, ...source })),
  };
}

interface Volume {
  readonly name: string;
  readonly mountPath: string;
  readonly readOnly: boolean;
  readonly source: object;
  readonly claimName?: string;
}

function volumesOf(facts: KubernetesFacts): Volume[] {
  const { configFile, stateDir, storeFolder, data } = facts;
  const claimed = (name: string, mountPath: string, readOnly = false): Volume => ({
    ...{ name, mountPath, readOnly, claimName: name },
    source: { persistentVolumeClaim: { claimName: name, ...(readOnly && { readOnly }) } },
  });
  const items = filesOf(facts);
  return [
    {
      name: 'config',
      mountPath: dirname(configFile),
      readOnly: true,
      source: { secret: { secretName: SECRET, defaultMode: 0o440, items } },
    },
    { name: 'tmp', mountPath: '/tmp', readOnly: false, source: { emptyDir: {} } },
    claimed(STATE, stateDir),
    ...(storeFolder === undefined ? [] : [claimed('holdfast-store', storeFolder)]),
    ...data.map(({ set, folder, written }) => claimed(`${set.replaceAll('_', '-')}-data`, folder, !written)),
  ];
}

/** A key of a secret has no slashes; in the pod each file has its own path again. */
function filesOf({ configFile, files }: KubernetesFacts): { readonly key: string; readonly path: string }[] {
  const folder = dirname(configFile);
  const paths = [basename(configFile), ...files.map((file) => relative(folder, file))];
  return [...new Set(paths)].map((path) => ({ key: path.replace(/[^\w.-]+/g, '--'), path }));
}
