/** What each shell is given. All ask the program itself, so that they never grow old. */
export const scripts = {
  bash: `# bash completion for virtwright
_virtwright() {
  local IFS=$'\\n' current=\${COMP_WORDS[COMP_CWORD]}
  local line=\${COMP_LINE:0:COMP_POINT} words
  # Bash takes words apart at = and :; the program is asked about those that were typed.
  IFS=$' \\t\\n' read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  local typed=\${words[-1]} lines last
  mapfile -t lines < <(virtwright __complete "\${words[@]:1}" 2>/dev/null)
  last=\${lines[-1]:-:4}
  unset 'lines[-1]'
  if [[ $last == :0 ]]; then
    compopt -o filenames 2>/dev/null
    COMPREPLY=($(compgen -f -- "$current"))
    return
  fi
  local cut=\${typed%"$current"} found
  COMPREPLY=()
  for found in "\${lines[@]%%$'\\t'*}"; do COMPREPLY+=("\${found#"$cut"}"); done
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=/] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _virtwright virtwright
`,
  zsh: `#compdef virtwright
_virtwright() {
  local -a lines shown
  local line last
  lines=("\${(@f)$(virtwright __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  last=\${lines[-1]:-:4}
  lines=("\${(@)lines[1,-2]}")
  if [[ $last == ':0' ]]; then
    _files
    return
  fi
  for line in "\${lines[@]}"; do
    [[ -n $line ]] && shown+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe -V virtwright shown
}
if [[ $funcstack[1] == _virtwright ]]; then _virtwright "$@"; else compdef _virtwright virtwright; fi
`,
  fish: `# fish completion for virtwright
function __virtwright_complete
    set -l words (commandline -opc) (commandline -ct)
    set -l lines (virtwright __complete $words[2..-1] 2>/dev/null)
    if test "$lines[-1]" = ':0'
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $lines[1..-2]
    end
end
complete -c virtwright -f -a '(__virtwright_complete)'
`,
} as const;
