/** Why each scope is asked for; there is no other. */
const scopes = {
  commands: '/pve',
  'chat:write': 'cards, their edits, refusals to one person',
  'chat:write.public': 'cards where a command was typed and the bot is not a member',
  'app_mentions:read': '@Quorum in threads, which have no slash commands',
  'im:history': 'what is typed to the bot directly',
  'im:write': 'finds its own message to a person again, who is called when on call',
  'channels:history': 'finds its own message again when the answer to a post was lost',
  'groups:history': 'the same in private channels',
  'files:write': 'pictures',
  'users:read': 'language, and who is a full member',
  'usergroups:read': 'roles by user group',
}

/** The bot scopes of the app, for `doctor` too. */
export const botScopes: readonly string[] = Object.keys(scopes)

/**
 * The app as api.slack.com/apps takes it ("From a manifest", JSON). With a public address everything comes over signed
 * HTTP; without one over Socket Mode, which also wants an app-level token with connections:write.
 */
export function manifest(options: { publicUrl?: string | undefined; socketMode: boolean }): object {
  const { socketMode } = options
  const url = socketMode ? {} : { request_url: `${options.publicUrl ?? 'https://YOUR.ADDRESS'}/slack/events` }
  const slashUrl = 'request_url' in url ? { url: url.request_url } : {}
  const menuUrl = 'request_url' in url ? { message_menu_options_url: url.request_url } : {}
  return {
    display_information: {
      name: 'Quorum',
      description: 'Runs Proxmox VE from chat',
      background_color: '#1f2937',
    },
    features: {
      app_home: { home_tab_enabled: false, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      bot_user: { display_name: 'Quorum', always_online: true },
      slash_commands: [
        {
          command: '/pve',
          description: 'Proxmox VE: machines, storage, high availability',
          usage_hint: 'help | vm create name:web1 | status',
          should_escape: false,
          ...slashUrl,
        },
      ],
    },
    oauth_config: { scopes: { bot: botScopes } },
    settings: {
      event_subscriptions: { ...url, bot_events: ['app_mention', 'message.im'] },
      interactivity: { is_enabled: true, ...url, ...menuUrl },
      org_deploy_enabled: false,
      socket_mode_enabled: socketMode,
      token_rotation_enabled: false,
    },
  }
}
