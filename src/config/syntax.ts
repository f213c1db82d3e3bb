import type { ErrorCode } from 'yaml'

interface Words {
  says: string
  hint: string
}

const plain: Words = {
  says: 'is not valid YAML here',
  hint: 'Look at this line and the one above: an unclosed quote or bracket, a missing ": ", or wrong indentation.',
}

/** Our own words for the parser's: its messages quote the file, which may hold a secret. */
const words: Partial<Record<ErrorCode, Words>> = {
  ALIAS_PROPS: { says: 'an alias (*name) takes no tag or anchor', hint: 'Write the *name alone.' },
  BAD_ALIAS: { says: 'is not a name for an alias', hint: 'Text that begins with * or & needs quotes: "*text".' },
  BAD_DIRECTIVE: { says: 'is not a directive of YAML 1.2', hint: 'Remove the line that begins with %.' },
  BAD_DQ_ESCAPE: { says: 'has a backslash that YAML does not know', hint: 'Use single quotes, or write \\\\ for \\.' },
  BAD_INDENT: {
    says: 'is not indented as its neighbours are',
    hint: 'Give entries of one map or list one indentation.',
  },
  BAD_SCALAR_START: { says: 'begins with a character that YAML keeps for itself', hint: 'Put the text in quotes.' },
  BLOCK_AS_IMPLICIT_KEY: {
    says: 'has two "key:" on one line',
    hint: 'Put the text in quotes, or the second key on its own line.',
  },
  DUPLICATE_KEY: { says: 'is written twice in the same map', hint: 'Keep one of the two.' },
  MISSING_CHAR: {
    says: 'lacks a closing quote or bracket, or a space after ":" or ","',
    hint: 'Close it, or add the space.',
  },
  MULTILINE_IMPLICIT_KEY: {
    says: 'has a key that runs over two lines',
    hint: 'A ":" is missing, or an unclosed quote stands above.',
  },
  MULTIPLE_DOCS: { says: 'begins a second document (---)', hint: 'Keep the whole configuration in one document.' },
  RESOURCE_EXHAUSTION: { says: 'is nested too deeply', hint: 'Close the brackets that are open above.' },
  TAB_AS_INDENT: { says: 'is indented with a tab', hint: 'Indent with spaces.' },
  TAG_RESOLVE_FAILED: {
    says: 'has a tag (!…) that means nothing here',
    hint: 'Remove the tag; quote text that begins with "!".',
  },
}

export const syntaxWords = (code: ErrorCode): Words => words[code] ?? plain
