/** `holdfast purge`: takes people out of every snapshot that there is, with a receipt. */
import type { Command } from 'commander';
import type { CliContext } from '../context.ts';
import { reference, repeated } from '../options.ts';
import { withExamples } from '../program.ts';
import { applyPlan, resumeSet } from './purge-apply.ts';
import type { ApplyFlags, ResumeFlags } from './purge-apply.ts';
import { approvePlan } from './purge-approve.ts';
import type { ApproveFlags } from './purge-approve.ts';
import { listRequests } from './purge-list.ts';
import { makePlan, makeWholePlan } from './purge-plan.ts';
import type { PlanFlags } from './purge-plan.ts';
import { verifyFile } from './purge-verify.ts';
import type { VerifyFlags } from './purge-verify.ts';

export function register(program: Command, context: CliContext): void {
  const purge = program
    .command('purge')
    .description('take a person out of every backup, with a signed receipt')
    .usage('plan|approve|apply|resume|verify|list')
    .helpCommand(false);
  registerPlan(purge, context);
  registerApprove(purge, context);
  registerApply(purge, context);
  registerLooking(purge, context);
}

function registerPlan(purge: Command, context: CliContext): void {
  const plan = withOfficer(purge.command('plan <SET>'))
    .description('find somebody in all snapshots and say what would happen; nothing in the store is changed')
    .option('--subject <NAME=VALUE>', 'who: customer=42, email=a@b.c; may be repeated', repeated, [])
    .option('--all-matches', 'when a name has led to several people, all of them are meant')
    .option('--scan', 'look for what identifies them in everything, also in free text; slow: all is opened')
    .option('--whole-set', 'everything that the set has, for one database per customer')
    .option('--paths-from <FILE>', 'files: these too, one path a line, whatever the subject map says')
    .option(
      '--ref <TEXT>',
      'ticket or letter, for ledger and receipt; it must not name the person',
      reference,
    )
    .requiredOption('-o, --output <FILE>', 'the plan, sealed and signed')
    .action((set: string, flags: PlanFlags) => {
      const isSomebody = flags.subject.length > 0 || flags.pathsFrom !== undefined;
      if ((flags.wholeSet === true) === isSomebody)
        plan.error('error: say either whom (--subject, --paths-from) or --whole-set');
      return flags.wholeSet === true ? makeWholePlan(context, set, flags) : makePlan(context, set, flags);
    });
  withExamples(plan, [
    [
      'holdfast purge plan shop --subject customer=42 --ref TICKET-7 --key ops.key -o plan.pgp',
      'look, then apply it',
    ],
  ]);
}

function registerApprove(purge: Command, context: CliContext): void {
  const approve = withOfficer(purge.command('approve <PLAN>'))
    .description('say as a second person that a plan may be carried out')
    .option('--yes', 'do not ask')
    .requiredOption('-o, --output <FILE>', 'the approval, signed')
    .action((file: string, flags: ApproveFlags) => approvePlan(context, file, flags));
  withExamples(approve, [
    ['holdfast purge approve plan.pgp --key officer.key -o approval.json', 'then apply it with --approve'],
  ]);
}

function registerApply(purge: Command, context: CliContext): void {
  const changing = (command: Command) =>
    withOfficer(command)
      .option('--bypass-governance', 'remove old manifests although governance locks them')
      .option('--no-backup-running', 'no backup is under way: manifests without an entry go at once')
      .option('--rewrite-packs', 'move what stays out of packs with erased rows, and remove those packs too')
      .requiredOption('-o, --output <FILE>', 'the receipt; a page for people goes beside it, as FILE.md');
  const apply = changing(purge.command('apply <PLAN>'))
    .description('carry a plan out; may be interrupted and run again')
    .option('--yes', 'do not ask')
    .option('--approve <FILE>', 'what purge approve wrote; needed with promises.two_person')
    .action((file: string, flags: ApplyFlags) => applyPlan(context, file, flags));
  withExamples(apply, [
    ['holdfast purge apply plan.pgp --key ops.key -o receipt.json', 'asks before it begins'],
  ]);
  changing(purge.command('resume <SET>'))
    .description('finish what was begun, also for snapshots of hosts that did not know of it')
    .option('--id <ID>', 'only this request, as purge list shows it')
    .action((set: string, flags: ResumeFlags) => resumeSet(context, set, flags));
}

function registerLooking(purge: Command, context: CliContext): void {
  const verify = withOpener(purge.command('verify <RECEIPT>'))
    .description('check the signature of a receipt, and the store against what it says')
    .option('--offline', 'the signature only')
    .option('--full', 'open and search everything, restore the newest and the oldest snapshot; needs a key')
    .option(
      '--scratch <URL>',
      'a PostgreSQL, MariaDB or MySQL server to restore into; without it, one is started here',
    )
    .action((file: string, flags: VerifyFlags) => {
      if (flags.full === true && flags.offline === true)
        verify.error('error: --full needs the store, and --offline does without it');
      if (flags.scratch !== undefined && flags.full !== true) verify.error('error: --scratch is for --full');
      return verifyFile(context, file, flags);
    });
  withExamples(verify, [
    ['holdfast purge verify receipt.json', 'signature, ledger and listings'],
    ['holdfast purge verify --full receipt.json --key ops.key', 'what an auditor asks for'],
  ]);
  purge
    .command('list [SET...]')
    .description(
      'list requests: what is left to do, and by when it was promised; exits 1 when one is overdue',
    )
    .action((names: string[]) => listRequests(context, names));
}

function withOfficer(command: Command): Command {
  return withOpener(command).option(
    '--sign-with <FILE>',
    'private key of a recipient or of a purge signer (default: that of --key); needed with --gpg',
  );
}

function withOpener(command: Command): Command {
  return command
    .option(
      '--key <FILE>',
      'private key that opens the snapshots (default: $HOLDFAST_KEY); may be repeated',
      repeated,
      [],
    )
    .option('--gpg', 'let gpg and its agent open them');
}
